/** `ClearDf.open({ fastPath })`: the library as it is built, in a network namespace of its own. */
import { expect, test } from 'vitest';
import { fixture } from './run.js';

test('programs clear what leaves by the devices until close; a failed open leaves none', async () => {
  const { result, stderr, exitCode } = await fixture(['library-fast-path.mjs']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    missing: 'ENVIRONMENT: attach the fast path to v9: there is no such device here (ENODEV)',
    afterMissing: '',
    taken: expect.stringMatching(/^CONFLICT: bind companion queue 0: /) as string,
    // 10 with random identifications, 10 that keep what the sender gave: Linux numbers those of a connected socket.
    fastPath: [{ device: 'v0', direction: 'egress', counters: { cleared: 20, identifications: 10, failed: 0 } }],
    attached: true,
    others: false,
    left: '',
  });
});

test('what a killed process has left is adopted: its counters and identifications go on, and other devices lose theirs', async () => {
  const { result, stderr, exitCode } = await fixture(['library-adopts.mjs']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    left: ['v0', 'v1'],
    kept: ['v0'],
    read: 20,
    next: true,
    // 10 of each process.
    fastPath: [{ device: 'v0', direction: 'egress', counters: { packets: 20, cleared: 20, identifications: 20 } }],
    closed: [],
  });
});
