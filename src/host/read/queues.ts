/**
 * What the kernel itself says about netfilter queues: who holds them, how many
 * packets wait, how many it dropped. Reads `/proc` only; changes nothing.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { constants } from 'node:os';
import { type SocketOwner, socketOwner, tryRead } from '../socket-owner.js';

/** How much of a packet the holder asked for (NFQNL_COPY_*). */
type CopyMode = 'none' | 'meta' | 'packet';

/** One line of `/proc/net/netfilter/nfnetlink_queue`: a queue that some socket holds. */
export interface KernelQueue {
  queue: number;
  /** Netlink port id of the socket that holds the queue. */
  portId: number;
  /** Packets that wait for a verdict (`queue_total`). */
  waiting: number;
  copyMode: CopyMode;
  /** Bytes copied of each packet at most. */
  copyRange: number;
  /** Packets dropped because the queue was full; not counted when fail-open let them through. */
  queueDropped: number;
  /** Packets dropped because the receive buffer was full; not counted when fail-open let them through. */
  userDropped: number;
  /** The last packet id given out; wraps at 2^32. */
  idSequence: number;
}

/** Why `/proc` could not tell. */
interface Unknown {
  state: 'unknown';
  reason: 'proc-not-mounted' | 'not-loaded' | 'unreadable';
  /** The reason in words. */
  detail: string;
  /** The errno by name, when `reason` is `unreadable` and the kernel gave one. */
  errno?: string;
}

/** The kernel's table of queues in this network namespace, or why it is not known. */
export type KernelQueues =
  | {
      state: 'known';
      rows: KernelQueue[];
      /** Lines that are not in the form this kernel interface has had since Linux 2.6.14. */
      unread: string[];
    }
  | Unknown;

/** Who holds a queue. `process` only where `/proc` allows to find it. */
export type Holder =
  | { state: 'held'; portId: number; process?: { pid: number; name: string } }
  | { state: 'free' }
  | Unknown;

const COPY_MODES: readonly CopyMode[] = ['none', 'meta', 'packet'];
const UINT32_MAX = 0xffff_ffff;
const NETLINK_NETFILTER = 12;

/**
 * Reads the lines that `seq_show` of nfnetlink_queue.c prints: queue number, peer port id, queue_total, copy_mode,
 * copy_range, queue_dropped, queue_user_dropped, id_sequence and the constant 1. Further columns are ignored.
 */
export function parseKernelQueues(text: string): { rows: KernelQueue[]; unread: string[] } {
  const rows: KernelQueue[] = [];
  const unread: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const row = parseRow(line);
    if (row === undefined) unread.push(line);
    else rows.push(row);
  }
  return { rows, unread };
}

function parseRow(line: string): KernelQueue | undefined {
  const words = line.trim().split(/\s+/);
  const numbers = words.map((word) => (/^\d{1,10}$/.test(word) ? Number(word) : NaN));
  if (numbers.length < 9 || numbers.some((number) => !(number <= UINT32_MAX))) return undefined;
  const [queue, portId, waiting, mode, copyRange, queueDropped, userDropped, idSequence] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const copyMode = COPY_MODES[mode];
  if (queue > 65_535 || copyMode === undefined) return undefined;
  return { queue, portId, waiting, copyMode, copyRange, queueDropped, userDropped, idSequence };
}

/**
 * The table of queues in the caller's network namespace. Never throws.
 * @param proc where procfs is mounted
 */
export function readKernelQueues(proc = '/proc'): KernelQueues {
  const file = path.join(proc, 'net/netfilter/nfnetlink_queue');
  try {
    return { state: 'known', ...parseKernelQueues(readFileSync(file, 'latin1')) };
  } catch (error) {
    return explain(error as NodeJS.ErrnoException, proc, file);
  }
}

function explain(error: NodeJS.ErrnoException, proc: string, file: string): Unknown {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') {
    return { state: 'unknown', reason: 'unreadable', detail: `${file} cannot be read`, ...errnoOf(error) };
  }
  // `/proc/self` is the first thing procfs has; `/proc/net` is missing with the mount option subset=pid.
  if (!exists(path.join(proc, 'self'))) {
    return { state: 'unknown', reason: 'proc-not-mounted', detail: `${proc} is not mounted` };
  }
  if (!exists(path.join(proc, 'net'))) {
    return { state: 'unknown', reason: 'unreadable', detail: `${proc} shows no network (mounted with subset=pid?)` };
  }
  return {
    state: 'unknown',
    reason: 'not-loaded',
    detail: `nfnetlink_queue is not loaded or not in this kernel: ${file} does not exist`,
  };
}

function exists(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function errnoOf(error: NodeJS.ErrnoException): { errno?: string } {
  return error.code !== undefined && error.code in constants.errno ? { errno: error.code } : {};
}

/**
 * Who holds `queue` in the caller's network namespace. The process is found through its netlink socket's inode; it
 * stays away when it belongs to another user, another PID namespace, or has already gone. Never throws.
 * @param queue queue number, 0–65535
 * @param proc where procfs is mounted
 */
export function holderOf(queue: number, proc = '/proc'): Holder {
  const table = readKernelQueues(proc);
  if (table.state === 'unknown') return table;
  const row = table.rows.find((candidate) => candidate.queue === queue);
  if (row === undefined) {
    if (table.unread.length === 0) return { state: 'free' };
    const detail = `the kernel's table of queues has lines in an unknown form: '${table.unread[0]}'`;
    return { state: 'unknown', reason: 'unreadable', detail };
  }
  const owner = processOf(row.portId, proc);
  return { state: 'held', portId: row.portId, ...(owner === undefined ? {} : { process: owner }) };
}

/** The process that has the netfilter netlink socket of this port id open. */
function processOf(portId: number, proc: string): SocketOwner | undefined {
  const inode = inodeOf(portId, proc);
  if (inode === undefined) return undefined;
  return socketOwner(inode, proc);
}

/** `/proc/net/netlink`: sk, Eth (protocol), Pid (port id), Groups, Rmem, Wmem, Dump, Locks, Drops, Inode. */
function inodeOf(portId: number, proc: string): string | undefined {
  const lines = tryRead(() => readFileSync(path.join(proc, 'net/netlink'), 'latin1'), '').split('\n');
  for (const line of lines) {
    const [, protocol, port, , , , , , , inode] = line.trim().split(/\s+/);
    if (Number(protocol) === NETLINK_NETFILTER && Number(port) === portId && inode !== undefined) return inode;
  }
  return undefined;
}
