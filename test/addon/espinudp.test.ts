/**
 * The life of a socket that takes ESP in UDP: open, close, twice, at exit, in worker threads, forgotten.
 *
 *   here ── lo ── there        one namespace for each fixture
 */
import { expect, test } from 'vitest';
import { fixture } from './run.js';

test('a thousand cycles leave no socket and no descriptor behind', async () => {
  const { result, stderr, exitCode } = await fixture(['espinudp.cjs', 'cycles']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(result).toEqual({ seen: ['4500'], left: [], descriptors: 0 });
});

test('one that nobody holds any more is closed with the garbage', async () => {
  const { result, stderr } = await fixture(['espinudp.cjs', 'forgotten']);
  expect(result, stderr).toEqual({ before: [4500, 4501, 4502, 4503, 4504], left: [] });
});

test('worker threads own sockets; closing, exiting and terminating each let go', async () => {
  const { result, stderr, exitCode } = await fixture(['espinudp.cjs', 'threads']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(result).toEqual({ before: [4500, 4501, 4502], left: [] });
});

test('a process that ends with a socket open lets go of the port, whatever ends it', async () => {
  const { result, stderr } = await fixture(['espinudp.cjs', 'ends']);
  // By exit, by a throw, by a signal, and by having nothing left to do.
  expect(result, stderr).toEqual({ codes: [0, 1, 'SIGKILL', 0], left: [] });
});

test('bad arguments are refused at the boundary, and a port that is taken', async () => {
  const { result, stderr, exitCode } = await fixture(['espinudp.cjs', 'refused']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  const thrown = result?.['thrown'] as Record<string, string>;
  expect(Object.keys(thrown)).toHaveLength(14);
  expect(Object.entries(thrown).filter(([, what]) => what !== 'Error')).toEqual([]);
  // EADDRINUSE
  expect(result).toMatchObject({ taken: { errno: 98, operation: 'bind the UDP port' }, left: [] });
});

test('EncapSocket sends keepalives, reports packets of strangers and refusals, and lets the process end', async () => {
  const { result, stderr, exitCode } = await fixture(['espinudp-socket.mjs']);
  expect(exitCode, stderr).toBe(0);
  expect(result).toMatchObject({
    first: 'ff',
    second: 'ff',
    from: '192.0.2.1:4500',
    taken: { name: 'ClearDfError', code: 'CONFLICT', errno: 'EADDRINUSE' },
    stranger: { kind: 'not-esp', from: '192.0.2.2', count: 1 },
    faults: 1,
    heard: 1,
    stats: { refused: 0, ike: 1, other: 0, dropped: 0 },
    same: true,
    unreachable: { kind: 'keepalive-refused', errno: 'ENETUNREACH', count: 1 },
    again: { kind: 'keepalive-sent' },
    refused: {
      'no such address': { code: 'ENVIRONMENT', errno: 'EADDRNOTAVAIL' },
      'local is loopback': { code: 'USAGE' },
      'port 0': { code: 'USAGE', message: 'read port: 0 is not accepted; expected a UDP port, 1-65535' },
      'unknown option': { code: 'USAGE' },
      nothing: { code: 'USAGE' },
    },
  });
  expect((result!['taken'] as { message: string }).message).toBe(
    'bind the UDP port 192.0.2.1:4500: another socket holds this UDP port (EADDRINUSE)',
  );
});
