/** Who holds a UDP port, by the kernel's own tables. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { endianness, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holderText, portHolder } from '../../src/host/udp-port.js';

const HEAD =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';
const HERE = '192.168.200.1';
const PORT = 4500;

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(path.join(tmpdir(), 'clear-df-proc-'));
  mkdirSync(path.join(proc, 'net'));
});
afterEach(() => rmSync(proc, { recursive: true, force: true }));

/** Four bytes as the kernel prints them on this machine. */
function shown(...bytes: number[]): string {
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase());
  return (endianness() === 'LE' ? hex.reverse() : hex).join('');
}

const HERE_SHOWN = shown(192, 168, 200, 1);
const ANY = shown(0, 0, 0, 0);

/** As udp4_seq_show prints it. */
function row(address: string, port: number, inode: number): string {
  const local = `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return `  123: ${local} ${'0'.repeat(address.length)}:0000 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0000000000000000 0`;
}

function table(name: 'udp' | 'udp6', ...rows: string[]): void {
  writeFileSync(path.join(proc, 'net', name), `${[HEAD, ...rows].join('\n')}\n`);
}

function process(pid: number, name: string, inode: number): void {
  mkdirSync(path.join(proc, `${pid}/fd`), { recursive: true });
  writeFileSync(path.join(proc, `${pid}/comm`), `${name}\n`);
  symlinkSync(`socket:[${inode}]`, path.join(proc, `${pid}/fd/7`));
}

describe('the holder of a UDP port', () => {
  test('is found by address and port', () => {
    table('udp', row(HERE_SHOWN, 500, 1), row(shown(10, 0, 0, 1), PORT, 2), row(HERE_SHOWN, PORT, 3));
    process(41, 'other', 2);
    process(42, 'charon', 3);
    expect(portHolder(HERE, PORT, proc)).toEqual({ state: 'held', process: { pid: 42, name: 'charon' } });
    expect(holderText(portHolder(HERE, PORT, proc))).toBe('process 42 (charon)');
    expect(portHolder(HERE, 4501, proc)).toEqual({ state: 'free' });
  });

  test.each([
    ['udp', ANY],
    ['udp6', '0'.repeat(32)],
  ] as const)('may hold it for every address, in %s', (name, address) => {
    table('udp');
    table(name, row(address, PORT, 9));
    process(7, 'pluto', 9);
    expect(portHolder(HERE, PORT, proc)).toEqual({ state: 'held', process: { pid: 7, name: 'pluto' } });
  });

  test('is the one with the address itself, where another has them all', () => {
    table('udp', row(ANY, PORT, 1), row(HERE_SHOWN, PORT, 2));
    process(1, 'all', 1);
    process(2, 'own', 2);
    expect(portHolder(HERE, PORT, proc)).toMatchObject({ process: { name: 'own' } });
  });

  test('may be hidden, and the tables, too', () => {
    expect(portHolder(HERE, PORT, proc)).toEqual({ state: 'unknown' });
    expect(holderText({ state: 'unknown' })).toBe('by an unknown process');
    table('udp', row(HERE_SHOWN, PORT, 3));
    expect(holderText(portHolder(HERE, PORT, proc))).toBe('a process that does not show here');
    table('udp', 'nonsense', '', `1: ${HERE_SHOWN}`);
    expect(holderText(portHolder(HERE, PORT, proc))).toBe('nobody');
  });
});
