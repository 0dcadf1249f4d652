/** What the library says to the program that embeds it; the fixture imports `clear-df` by its name. */
import { beforeAll, describe, expect, test } from 'vitest';
import { fixture } from './run.js';

interface Refusal {
  is: boolean;
  name: string;
  code: string;
  message: string;
}

let said: {
  wrong: Record<string, Refusal>;
  taken: Record<'same' | 'cjs', Refusal>;
  denied: Refusal;
  foreign: Record<string, string | false>;
};

beforeAll(async () => {
  const { result, stderr, exitCode } = await fixture(['words.mjs']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  said = result as unknown as typeof said;
});

describe('options that cannot be', () => {
  test.each([
    ['no options', /^read options: it is missing; expected an object, such as \{ queues: '0:3' \}$/],
    ['null', /^read options: null is not accepted; expected an object/],
    ['a number', /^read options: 0 is not accepted; expected an object/],
    ['no queues', /^read queues: it is missing; expected a queue number/],
    ['a BigInt', /^read queues: 3n is not accepted; expected a queue number/],
    ['a BigInt inside', /^read batch: \["1n"\] is not accepted; expected packets/],
    ['NaN', /^read queues: NaN is not accepted; expected a queue number/],
    ['an unknown option', /^read options: 'bach' is not accepted; expected one of queues, identification, /],
    ['an option of every object', /^read options: 'constructor' is not accepted; expected one of queues, /],
    ['a circle', /^read batch: an object is not accepted; expected packets/],
    ['a function', /^read queues: a function is not accepted; expected a queue number/],
    ['encap', /^read options: it is missing; expected an object, such as \{ local:/],
  ])('%s', (name, message) => {
    expect(said.wrong[name]).toEqual({
      is: true,
      name: 'ClearDfError',
      code: 'USAGE',
      message: expect.stringMatching(message) as string,
    });
  });
});

test('a queue that this very process holds is no "another process"', () => {
  expect(said.taken.same).toMatchObject({ code: 'CONFLICT' });
  expect(said.taken.same.message).toBe(
    'bind queue 4: this process holds it: a ClearDf that it opened before is not closed (EBUSY)',
  );
  // The copy that CommonJS loads does not know of the other's.
  expect(said.taken.cjs.message).toBe(
    'bind queue 4: another process, worker thread or copy of clear-df holds it (EBUSY)',
  );
});

test('without CAP_NET_ADMIN the queues that were asked for are named, and not the companion', () => {
  expect(said.denied).toMatchObject({
    code: 'PRIVILEGE',
    message: 'bind queue 2:3: the kernel requires CAP_NET_ADMIN (EPERM)',
  });
});

test('ClearDfError.is knows the errors of every copy, and nothing else', () => {
  expect(said.foreign).toEqual({
    cjs: 'USAGE',
    posted: 'USAGE',
    event: 'USAGE',
    plain: false,
    errno: false,
    nothing: false,
  });
});
