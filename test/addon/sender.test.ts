/** The sender of `clear-df bench`, at the boundary: what it refuses, and one datagram for each that it says it sent. */
import { describe, expect, test } from 'vitest';
import { type NativeSend, type NativeSendError, native } from '../../src/native.js';
import { fixture } from './run.js';

const REQUEST: NativeSend = {
  ...{ device: 'lo', mac: '02:cd:f0:00:00:ff', source: '127.0.0.2', destination: '127.0.0.3' },
  ...{ length: 100, milliseconds: 20, rate: 1000, flows: 4, df: 50 },
};

describe('send', () => {
  test.each<[keyof NativeSend, unknown, RegExp]>([
    ['mac', '02:cd:f0:00:00', /mac has to be/],
    ['mac', '02:cd:f0:00:00:ff:00', /mac has to be/],
    ['mac', 7, /mac has to be a string/],
    ['device', undefined, /device has to be a string/],
    ['source', 'localhost', /source/],
    ['length', 55, /length is out of range/],
    ['length', 1501, /length is out of range/],
    ['flows', 0, /flows/],
    ['flows', 33, /flows/],
    ['df', 101, /df/],
    ['milliseconds', 0, /milliseconds/],
    ['rate', -1, /rate/],
  ])('refuses %s %j', (key, value, message) => {
    expect(() => native().send({ ...REQUEST, [key]: value })).toThrow(TypeError);
    expect(() => native().send({ ...REQUEST, [key]: value })).toThrow(message);
  });

  test('names the step and the errno when there is no such device', () => {
    try {
      native().send({ ...REQUEST, device: 'cdf-none' });
      expect.unreachable();
    } catch (error) {
      const { operation, errno } = error as NativeSendError;
      // ENODEV
      expect({ operation, errno }).toEqual({ operation: 'find device', errno: 19 });
    }
  });

  test('says what it sent, and so many came', async () => {
    const { result, stderr } = await fixture(['sender.cjs', JSON.stringify(REQUEST)]);
    const { sent, refused, came } = result as Record<string, number>;
    // 20 ms at 1000 a second are 21 packets at most; fewer when it was held up.
    expect(sent, stderr).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(21);
    expect({ refused, came }).toEqual({ refused: 0, came: sent });
  });
});
