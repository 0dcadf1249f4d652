/**
 * The addon's life: open, close, twice, at exit, in worker threads, with
 * packets queued.
 *
 *   sender ── lo ── sink        one namespace for each fixture; every UDP
 *         OUTPUT: NFQUEUE       packet passes a queue on its way out
 */
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { fixture } from './run.js';

/** The first that this process may use. */
const ONE_CORE = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
const NOTHING = { threads: [], queues: [] };

test('fifty cycles of four queues leave no thread, queue or descriptor behind', async () => {
  const { result, stderr, exitCode } = await fixture(['cycles.cjs', '50']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(result).toEqual({
    // 50 cycles of 20 datagrams; each is cleared once, on one of the four queues.
    came: 1000,
    cleared: 1000,
    // Four queues and their companion.
    threads: ['clear-df/q0', 'clear-df/q1', 'clear-df/q2', 'clear-df/q3', 'clear-df/q65535'],
    queues: [0, 1, 2, 3, 65535],
    left: { ...NOTHING, descriptors: 0 },
  });
});

test('worker threads own manglers; closing, exiting and terminating each let go', async () => {
  const { result, stderr, exitCode } = await fixture(['threads.cjs']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(result).toEqual({
    open: { threads: ['clear-df/q0', 'clear-df/q1', 'clear-df/q2'], queues: [0, 1, 2] },
    came: 50,
    // By bypass: nobody listens any more.
    after: 50,
    left: NOTHING,
  });
});

describe('a process that ends with packets queued loses none', () => {
  test.each([
    ['exit', 0],
    ['close', 0],
    ['throw', 1],
  ])('by %s', async (way, code) => {
    const { result, stderr } = await fixture(['ends-parent.cjs', way], {}, ['taskset', '-c', ONE_CORE]);
    expect(result, stderr).toEqual({
      exitCode: code,
      sent: true,
      lost: 0,
      queues: [],
    });
  });
});

test.each([
  ['exit', ''],
  ['throw', 'on purpose'],
  ['terminate', ''],
])('a worker thread that ends with packets queued loses none: %s', async (way, error) => {
  const { result, stderr } = await fixture(['ends-worker.cjs', way], {}, ['taskset', '-c', ONE_CORE]);
  expect(result, stderr).toEqual({ error, sent: true, lost: 0, left: NOTHING });
});

test.each(['exit', 'terminate'])('a close that is not awaited does not crash the process: %s', async (way) => {
  const { result, stderr, signal } = await fixture(['unawaited.cjs', way]);
  expect(signal, stderr).toBeUndefined();
  expect(result).toEqual({ ended: 20, left: NOTHING });
});

test('an open that fails half-way lets no packet down', async () => {
  // On one core a packet comes between two steps of the open, and never within one.
  const { result, stderr } = await fixture(['half-open.cjs'], {}, ['taskset', '-c', ONE_CORE]);
  // By bypass or, in between, by a queue that is held. EBUSY
  expect(result, stderr).toEqual({ lost: 0, errors: ['bind 99: 16'], left: [] });
});

test('a process that gives up CAP_NET_ADMIN lets go of its queue', async () => {
  const { result, stderr } = await fixture(['unprivileged.cjs']);
  expect(result, stderr).toMatchObject({ before: 50, after: 50 });
  expect(result?.['faults']).toContain('queue-lost 1');
});

test('bad arguments are refused at the boundary', async () => {
  const { result, stderr, exitCode } = await fixture(['refused.cjs']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  const thrown = result?.['thrown'] as Record<string, string>;
  expect(Object.keys(thrown)).toHaveLength(24);
  expect(new Set(Object.values(thrown))).toEqual(new Set(['Error']));
  expect(result?.['left']).toEqual(NOTHING);
});

test('the addon asks for nothing but libnetfilter_queue, libmnl and the C and C++ libraries', async () => {
  const { stdout } = await execa('objdump', ['-p', 'build/Release/clear_df.node']);
  const needed = [...stdout.matchAll(/NEEDED\s+(\S+)/g)].map((match) => match[1]);
  // Of an empty list the rest would hold, too.
  expect(needed).toEqual(expect.arrayContaining(['libnetfilter_queue.so.1', 'libmnl.so.0']));
  for (const library of needed) {
    expect(library).toMatch(/^(lib(netfilter_queue|mnl|stdc\+\+|m|gcc_s|c|pthread)|ld-linux[\w-]*)\.so/);
  }
});
