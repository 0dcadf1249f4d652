import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holderOf, parseKernelQueues, readKernelQueues } from '../../src/host/read/queues.js';
import { kernelRow } from './report-samples.js';

/** As seq_show prints it: "%5u %6u %5u %1u %5u %5u %5u %8u %2d". */
const LINE = '    0   4242    17 2 65531     3     5   123456  1';
/** Port ids that the kernel chose itself are large. */
const CHOSEN = '    1 4294963157     0 2    96     0     0        0  1';

const NETLINK = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
000000009172a7c7 0   4242       00000000 0        0        0     2        0        4
000000000c26ee7c 12  0          00000000 0        0        0     2        0        500
0000000003527873 12  4242       00000000 0        0        0     2        0        31337
`;

let proc: string;

beforeEach(() => {
  proc = mkdtempSync(path.join(tmpdir(), 'clear-df-proc-'));
});
afterEach(() => rmSync(proc, { recursive: true, force: true }));

function put(file: string, text: string): string {
  const full = path.join(proc, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

/** procfs as far as it is looked at, with the given table of queues. */
function mount(table?: string): void {
  put('self/status', '');
  mkdirSync(path.join(proc, 'net/netfilter'), { recursive: true });
  if (table !== undefined) put('net/netfilter/nfnetlink_queue', table);
}

function addProcess(pid: number, name: string, inode: number): void {
  put(`${pid}/comm`, `${name}\n`);
  mkdirSync(path.join(proc, `${pid}/fd`));
  symlinkSync('/dev/null', path.join(proc, `${pid}/fd/0`));
  symlinkSync(`socket:[${inode}]`, path.join(proc, `${pid}/fd/9`));
}

describe('parseKernelQueues', () => {
  test('reads every column', () => {
    expect(parseKernelQueues(`${LINE}\n${CHOSEN}\n`)).toEqual({
      rows: [
        {
          queue: 0,
          portId: 4242,
          waiting: 17,
          copyMode: 'packet',
          copyRange: 65_531,
          queueDropped: 3,
          userDropped: 5,
          idSequence: 123_456,
        },
        kernelRow(1, { portId: 4_294_963_157, copyRange: 96 }),
      ],
      unread: [],
    });
  });

  test('an empty table has no rows', () => {
    expect(parseKernelQueues('')).toEqual({ rows: [], unread: [] });
    expect(parseKernelQueues('\n')).toEqual({ rows: [], unread: [] });
  });

  test('columns that a later kernel may add do not matter', () => {
    expect(parseKernelQueues(`${LINE} 77`).rows).toHaveLength(1);
  });

  test.each([
    ['cut short', '    0   4242    17 2 65531     3     5'],
    ['words', 'queue portid total mode range dropped user id one'],
    ['a negative number', LINE.replace('    17', '   -17')],
    ['a copy mode that does not exist', LINE.replace(' 2 ', ' 3 ')],
    ['a queue number that does not exist', LINE.replace('    0 ', '65536 ')],
    ['more than 32 bits', LINE.replace('123456', '4294967296')],
    ['a fraction', LINE.replace('123456', '1234.6')],
    ['hexadecimal', LINE.replace('4242', '0x42')],
  ])('a line with %s is set aside, and the others are still read', (_, line) => {
    expect(line).not.toBe(LINE);
    expect(parseKernelQueues(`${line}\n${CHOSEN}\n`)).toEqual({
      rows: [expect.objectContaining({ queue: 1 })],
      unread: [line],
    });
  });

  test('any text is either a row or set aside, nothing is lost and nothing throws', () => {
    const text = fc.array(
      fc.oneof(
        fc.string(),
        fc.constant(LINE),
        fc.array(fc.nat()).map((numbers) => numbers.join(' ')),
      ),
    );
    fc.assert(
      fc.property(text, (lines) => {
        const whole = lines.join('\n');
        const { rows, unread } = parseKernelQueues(whole);
        expect(rows.length + unread.length).toBe(whole.split('\n').filter((line) => line.trim() !== '').length);
        for (const row of rows) expect(row.queue).toBeLessThanOrEqual(65_535);
      }),
    );
  });
});

describe('readKernelQueues', () => {
  test('reads the table', () => {
    mount(LINE);
    expect(readKernelQueues(proc)).toMatchObject({ state: 'known', rows: [{ queue: 0, waiting: 17 }], unread: [] });
  });

  test('nothing mounted on /proc', () => {
    expect(readKernelQueues(proc)).toEqual({
      state: 'unknown',
      reason: 'proc-not-mounted',
      detail: `${proc} is not mounted`,
    });
    expect(readKernelQueues(path.join(proc, 'none'))).toMatchObject({ reason: 'proc-not-mounted' });
  });

  test('nfnetlink_queue not loaded', () => {
    mount();
    expect(readKernelQueues(proc)).toMatchObject({ state: 'unknown', reason: 'not-loaded' });
  });

  test('a kernel without netfilter', () => {
    put('self/status', '');
    mkdirSync(path.join(proc, 'net'));
    expect(readKernelQueues(proc)).toMatchObject({ state: 'unknown', reason: 'not-loaded' });
  });

  test('procfs that shows processes only', () => {
    put('self/status', '');
    expect(readKernelQueues(proc)).toMatchObject({ state: 'unknown', reason: 'unreadable' });
  });

  test('a file that cannot be read is reported with its errno', () => {
    mount();
    mkdirSync(path.join(proc, 'net/netfilter/nfnetlink_queue'));
    expect(readKernelQueues(proc)).toMatchObject({ state: 'unknown', reason: 'unreadable', errno: 'EISDIR' });
  });

  test("this machine's own /proc gives a table or a reason", () => {
    expect(['known', 'unknown']).toContain(readKernelQueues().state);
  });
});

describe('holderOf', () => {
  test('nobody', () => {
    mount(LINE);
    expect(holderOf(7, proc)).toEqual({ state: 'free' });
  });

  test('a port id whose process cannot be found', () => {
    mount(LINE);
    expect(holderOf(0, proc)).toEqual({ state: 'held', portId: 4242 });
    put('net/netlink', NETLINK);
    expect(holderOf(0, proc)).toEqual({ state: 'held', portId: 4242 });
  });

  test('the process with the netfilter socket of that port id, not that of another protocol', () => {
    mount(LINE);
    put('net/netlink', NETLINK);
    addProcess(100, 'routed', 4);
    addProcess(1200, 'clear-df', 31_337);
    addProcess(99, 'other', 313);
    expect(holderOf(0, proc)).toEqual({ state: 'held', portId: 4242, process: { pid: 1200, name: 'clear-df' } });
  });

  test('the lowest pid when a child has inherited the socket', () => {
    mount(LINE);
    put('net/netlink', NETLINK);
    addProcess(1201, 'child', 31_337);
    addProcess(120, 'parent', 31_337);
    expect(holderOf(0, proc)).toMatchObject({ process: { pid: 120, name: 'parent' } });
  });

  test('a process without a readable name', () => {
    mount(LINE);
    put('net/netlink', NETLINK);
    addProcess(5, 'gone', 31_337);
    rmSync(path.join(proc, '5/comm'));
    expect(holderOf(0, proc)).toMatchObject({ process: { pid: 5, name: '?' } });
  });

  test('a process that went away while it was looked for', () => {
    mount(LINE);
    put('net/netlink', NETLINK);
    addProcess(5, 'brief', 31_337);
    rmSync(path.join(proc, '5/fd'), { recursive: true });
    expect(holderOf(0, proc)).toEqual({ state: 'held', portId: 4242 });
  });

  test('a table with lines in an unknown form does not say that a queue is free', () => {
    mount(`${LINE}\n5 x`);
    expect(holderOf(5, proc)).toMatchObject({ state: 'unknown', reason: 'unreadable' });
    expect(holderOf(0, proc)).toMatchObject({ state: 'held' });
  });

  test('no table: unknown, with its reason', () => {
    expect(holderOf(0, proc)).toMatchObject({ state: 'unknown', reason: 'proc-not-mounted' });
  });
});
