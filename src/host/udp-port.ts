/** Who holds a UDP port in this network namespace. Reads `/proc` only. */
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import path from 'node:path';
import { type SocketOwner, socketOwner, tryRead } from './socket-owner.js';

/** `process` only where `/proc` allows to find it. */
type PortHolder = { state: 'held'; process?: SocketOwner } | { state: 'free' } | { state: 'unknown' };

/**
 * Who holds the port for packets to this address: by the address itself, or by all of them, IPv6 sockets included.
 * Never throws.
 * @param address dotted
 * @param proc where procfs is mounted
 */
export function portHolder(address: string, port: number, proc = '/proc'): PortHolder {
  const text = tryRead(() => readFileSync(path.join(proc, 'net/udp'), 'latin1'), undefined);
  if (text === undefined) return { state: 'unknown' };
  const six = tryRead(() => readFileSync(path.join(proc, 'net/udp6'), 'latin1'), '');
  const wanted = [asShown(address), asShown('0.0.0.0'), '0'.repeat(32)];
  const rows = [...rowsOf(text), ...rowsOf(six)].filter((row) => row.port === port && wanted.includes(row.address));
  // The more exact one gets the packets (`compute_score` in net/ipv4/udp.c).
  rows.sort((a, b) => wanted.indexOf(a.address) - wanted.indexOf(b.address));
  const [row] = rows;
  if (row === undefined) return { state: 'free' };
  const owner = socketOwner(row.inode, proc);
  return { state: 'held', ...(owner === undefined ? {} : { process: owner }) };
}

/** In words: `process 123 (charon)`, `a process that does not show here`, `nobody`. */
export function holderText(holder: PortHolder): string {
  if (holder.state === 'free') return 'nobody';
  if (holder.state === 'unknown') return 'by an unknown process';
  const { process: owner } = holder;
  return owner === undefined ? 'a process that does not show here' : `process ${owner.pid} (${owner.name})`;
}

/** The lines of udp4_seq_show: `sl local_address rem_address st queues tr:tm retrnsmt uid timeout inode …`. */
function rowsOf(text: string): { address: string; port: number; inode: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, local, , , , , , , , inode] = line.trim().split(/\s+/);
    const [, address, port] = /^([\dA-F]{8}|[\dA-F]{32}):([\dA-F]{4})$/.exec(local ?? '') ?? [];
    if (address === undefined || port === undefined || inode === undefined) return [];
    return [{ address, port: Number.parseInt(port, 16), inode }];
  });
}

/** The kernel prints an address as the number that its bytes are to this machine. */
function asShown(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase());
  return (endianness() === 'LE' ? bytes.reverse() : bytes).join('');
}
