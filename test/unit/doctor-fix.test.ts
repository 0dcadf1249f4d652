/** `doctor --fix`: what is run, what is looked at again, and what is taken back. The machine is a map. */
import { describe, expect, it } from 'vitest';
import { type FixAnswer, fixFindings } from '../../src/commands/doctor-fix.js';
import { checkOf, type Finding } from '../../src/doctor/finding.js';
import { type Fix, insertNft } from '../../src/doctor/fix.js';
import { ClearDfError } from '../../src/errors.js';
import { createRunner, NoAnswerError } from '../../src/host/exec.js';

/** `set KEY VALUE` is the one command. */
const set = (key: string, value: string, before: string): Fix => ({
  commands: [['set', key, value]],
  undo: () => [['set', key, before]],
});

interface Told {
  said: string[];
  ran: string[];
  state: Record<string, string>;
  outcome: Awaited<ReturnType<typeof fixFindings>>;
}

interface Machine {
  state: Record<string, string>;
  /** What is wrong with it. */
  judge: (state: Record<string, string>) => Finding[];
  answers?: FixAnswer[];
  /** Fails instead of setting. */
  fails?: (line: string) => Error | undefined;
  stop?: AbortController;
}

async function tell({ state, judge, answers = [], fails = () => undefined, stop = new AbortController() }: Machine) {
  const told: Pick<Told, 'said' | 'ran'> = { said: [], ran: [] };
  const outcome = await fixFindings({
    look: async () => judge(state),
    runner: {
      dryRun: false,
      query: async () => '',
      effect: async () => undefined,
      async change(command, args) {
        const line = [command, ...args].join(' ');
        told.ran.push(line);
        const error = fails(line);
        if (error !== undefined) throw error;
        if (command === 'set') state[args[0] as string] = args[1] as string;
        return '';
      },
    },
    ask: async () => answers.shift() ?? 'yes',
    say: (line) => told.said.push(line),
    stop: stop.signal,
  });
  return { ...told, state, outcome } satisfies Told;
}

const check = checkOf('limits', 'c');
const wrongUnless = (key: string, wanted: string, state: Record<string, string>): Finding =>
  state[key] === wanted
    ? check.ok(key, 'right')
    : check.wrong(key, `it is ${state[key]}`, { fix: set(key, wanted, state[key] as string) });
const refused = new ClearDfError({ code: 'RUNTIME', operation: 'run', object: 'set', reason: 'EIO' });

describe('doctor --fix', () => {
  it('runs what mends each finding, and looks again behind each', async () => {
    const { ran, said, outcome } = await tell({
      state: { a: '0', b: '0' },
      judge: (state) => [wrongUnless('a', '1', state), wrongUnless('b', '1', state)],
    });
    expect(ran).toEqual(['set a 1', 'set b 1']);
    expect(said).toEqual(['mended', 'mended']);
    expect(outcome).toMatchObject({ mended: 2, undone: 0, failed: 0, declined: 0 });
    expect(outcome.findings.map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  it('takes back what did not help', async () => {
    const { ran, state, said, outcome } = await tell({
      state: { a: '0' },
      judge: (now) => [check.wrong('a', `it is ${now['a']}`, { fix: set('a', '1', '0') })],
    });
    expect(ran).toEqual(['set a 1', 'set a 0']);
    expect(state).toEqual({ a: '0' });
    expect(said).toEqual(['taken back: it did not help']);
    expect(outcome).toMatchObject({ mended: 0, undone: 1 });
  });

  it('takes back what made something else wrong, and names that', async () => {
    const { state, said } = await tell({
      state: { a: '0' },
      judge: (now) => [
        wrongUnless('a', '1', now),
        now['a'] === '1' ? check.wrong('b', 'frames are dropped', { hint: 'no' }) : check.ok('b', 'fine'),
      ],
    });
    expect(state).toEqual({ a: '0' });
    expect(said).toEqual(['taken back: it made something else wrong: b: frames are dropped']);
  });

  it('goes on to the next step of the same finding, where the fix has become another', async () => {
    const { ran, outcome } = await tell({
      state: { vlans: '' },
      judge: ({ vlans = '' }) => {
        const next = ['1', '2'].find((vlan) => !vlans.includes(vlan));
        if (next === undefined) return [check.ok('port', 'all')];
        return [check.wrong('port', 'some are missing', { fix: set('vlans', vlans + next, vlans) })];
      },
    });
    expect(ran).toEqual(['set vlans 1', 'set vlans 12']);
    expect(outcome).toMatchObject({ mended: 2, undone: 0 });
  });

  it('leaves alone what nobody wants, what is unknown, and what only a person can do', async () => {
    const { ran, outcome } = await tell({
      state: { a: '0', b: '0' },
      judge: (state) => [
        wrongUnless('a', '1', state),
        check.unknown('u', 'perhaps', { fix: set('u', '1', '0') }),
        check.wrong('p', 'it needs a program', { fix: 'clear-df --queue 0' }),
        wrongUnless('b', '1', state),
      ],
      answers: ['no', 'yes'],
    });
    expect(ran).toEqual(['set b 1']);
    expect(outcome).toMatchObject({ mended: 1, declined: 1 });
  });

  it('runs nothing more after q', async () => {
    const { ran } = await tell({
      state: { a: '0', b: '0' },
      judge: (state) => [wrongUnless('a', '1', state), wrongUnless('b', '1', state)],
      answers: ['quit'],
    });
    expect(ran).toEqual([]);
  });

  it('changes nothing where the first command fails, and goes on with the next finding', async () => {
    const { said, state, outcome } = await tell({
      state: { a: '0', b: '0' },
      judge: (now) => [wrongUnless('a', '1', now), wrongUnless('b', '1', now)],
      fails: (line) => (line === 'set a 1' ? refused : undefined),
    });
    expect(said).toEqual(['failed: run set: EIO; nothing was changed', 'mended']);
    expect(state).toEqual({ a: '0', b: '1' });
    expect(outcome).toMatchObject({ mended: 1, failed: 1 });
  });

  it('takes the first command back where the second fails', async () => {
    const two: Fix = { commands: [...set('m', '1', '0').commands, ['set', 'a', '1']], undo: () => [['set', 'm', '0']] };
    const { said, state } = await tell({
      state: { a: '0', m: '0' },
      judge: () => [check.wrong('a', 'it is 0', { fix: two })],
      fails: (line) => (line === 'set a 1' ? refused : undefined),
    });
    expect(state).toEqual({ a: '0', m: '0' });
    expect(said).toEqual(['failed: run set: EIO; taken back']);
  });

  it('takes back what a signal ended, which may have done its work', async () => {
    const stop = new AbortController();
    const { ran, said } = await tell({
      state: { a: '0', b: '0' },
      judge: (state) => [wrongUnless('a', '1', state), wrongUnless('b', '1', state)],
      fails: (line) => {
        if (line !== 'set a 1') return undefined;
        stop.abort('SIGINT');
        return new NoAnswerError({ code: 'RUNTIME', operation: 'run', object: 'set', reason: 'ended' });
      },
      stop,
    });
    expect(ran).toEqual(['set a 1', 'set a 0']);
    expect(said).toEqual(['failed: run set: ended; taken back']);
  });

  it.each([
    ['the same is unknown then', () => check.unknown('a', 'ip gave no answer')],
    ['something of its group is unread in its place', () => check.unread('devices', { unknown: 'ip gave no answer' })],
  ])('takes back what cannot be seen to help: %s', async (_, then) => {
    const { state, said, outcome } = await tell({
      state: { a: '0' },
      judge: (now) => [now['a'] === '0' ? wrongUnless('a', '1', now) : then()],
    });
    expect(state).toEqual({ a: '0' });
    expect(said[0]).toMatch(/^taken back: whether it helped is not known: \w+: ip gave no answer$/);
    expect(outcome.mended).toBe(0);
  });

  it('does not call taken back what has not said what it made', async () => {
    const { said } = await tell({
      state: {},
      judge: () => [check.wrong('a', 'it drops', { fix: insertNft('inet t c', 'accept') })],
      fails: () => new NoAnswerError({ code: 'RUNTIME', operation: 'run', object: 'nft', reason: 'ended' }),
    });
    expect(said).toEqual([
      'failed: run nft: ended; NOT TAKEN BACK (it has not said what it made); see nft -a list chain inet t c',
    ]);
  });

  it('says what to run by hand where it cannot be taken back', async () => {
    const { said } = await tell({
      state: { a: '0' },
      judge: () => [check.wrong('a', 'always', { fix: set('a', '1', '0') })],
      fails: (line) => (line === 'set a 0' ? refused : undefined),
    });
    expect(said).toEqual(['NOT TAKEN BACK (run set: EIO); by hand: set a 0: it did not help']);
  });

  it('takes back what was run when the machine cannot be looked at any more', async () => {
    let looks = 0;
    const { state, said } = await tell({
      state: { a: '0' },
      judge: (now) => {
        looks += 1;
        if (looks === 2) throw new Error('EMFILE');
        return [wrongUnless('a', '1', now)];
      },
    });
    expect(state).toEqual({ a: '0' });
    expect(said).toEqual(['taken back: the machine cannot be looked at: EMFILE']);
  });

  it('prints the commands under dry run, for a shell, and runs none', async () => {
    const shown: string[] = [];
    const runner = createRunner({
      log: { debug: () => undefined },
      dryRun: true,
      print: ({ text }) => shown.push(text),
    });
    const a = check.wrong('a', 'it is 0', { fix: set('a', "it's 1", '0') });
    const outcome = await fixFindings({
      ...{ look: async () => [a], runner, ask: async () => 'yes', say: () => undefined },
      stop: new AbortController().signal,
    });
    expect(shown).toEqual([String.raw`set a 'it'\''s 1'`]);
    expect(outcome).toMatchObject({ mended: 0, undone: 0 });
  });
});
