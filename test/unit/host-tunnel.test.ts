/** The steps of a tunnel on a machine of named values: made, resumed, rolled back, taken down. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { applyItems } from '../../src/host/tunnel/apply.js';
import { snapshotOf } from '../../src/host/tunnel/snapshot.js';
import { Journal } from '../../src/host/tunnel/journal.js';
import { takeDown } from '../../src/host/tunnel/take-down.js';
import { silentLogger } from '../../src/log.js';
import type { Item } from '../../src/tunnel/item.js';
import { Dead, FakeMachine, valueItem } from '../helpers/fake-machine.js';

const log = silentLogger();
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-journal-'));
  file = path.join(folder, 'run/tunnel.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function journalOf(machine: FakeMachine): Journal {
  const site = { file: '/etc/site.yaml', text: 'name: site' };
  return Journal.read('site', file) ?? Journal.fresh('site', site, snapshotOf(machine.facts), file);
}

function up(items: Item[], machine: FakeMachine, stopping: () => string | undefined = () => undefined) {
  return applyItems(items, { machine, journal: journalOf(machine), log, stopping });
}

async function down(items: Item[], machine: FakeMachine) {
  const journal = Journal.read('site', file);
  return journal === undefined ? undefined : takeDown(items, { machine, journal, log });
}

const ITEMS = [valueItem('a', '1'), valueItem('b', '2', 3), valueItem('c', '3'), valueItem('d', '4', 2)];

/** Two that no other item changes. */
const ALONE: Item[] = [valueItem('b', '2'), valueItem('c', '3')].map((item) => ({ ...item, kind: 'xfrm-policy' }));

describe('a tunnel', () => {
  it('is made in order, and put back in reverse', async () => {
    const machine = new FakeMachine(new Map([['c', 'old']]));
    expect((await up(ITEMS, machine)).map(({ item }) => item.key)).toEqual([
      'value a',
      'value b',
      'value c',
      'value d',
    ]);
    expect(Object.fromEntries(machine.values)).toEqual({ a: '1', b: '2', c: '3', d: '4' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const next = machine.reborn();
    expect(await down(ITEMS, next)).toEqual({ undone: ['value d', 'value c', 'value b', 'value a'], failed: [] });
    expect(next.done).toEqual(['unset d', 'set c old', 'unset b', 'unset a']);
    expect(Journal.read('site', file)).toBeUndefined();
  });

  it('that is up already is not touched, and what was there before it is not undone', async () => {
    const machine = new FakeMachine(new Map([['a', '1']]));
    await up(ITEMS, machine);
    const again = machine.reborn();
    expect(await up(ITEMS, again)).toEqual([]);
    expect(again.done).toEqual([]);
    await down(ITEMS, again);
    expect(Object.fromEntries(machine.values)).toEqual({ a: '1' });
  });

  it('is looked at between items that depend on each other, and once behind those that do not', async () => {
    const seen: string[] = [];
    const machine = new FakeMachine(new Map());
    machine.before = (command) => seen.push(command);
    const look = machine.look.bind(machine);
    vi.spyOn(machine, 'look').mockImplementation(() => {
      seen.push('look');
      return look();
    });
    await up([valueItem('a', '1'), ...ALONE, valueItem('d', '4'), valueItem('e', '5')], machine);
    expect(seen).toEqual(['set a 1', 'set b 2', 'set c 3', 'look', 'set d 4', 'look', 'set e 5', 'look']);
  });

  it('whose commands succeed without effect is rolled back, also where it is not looked at between two items', async () => {
    const machine = new FakeMachine(new Map());
    const lost: Item = { ...(ALONE[0] as Item), apply: () => [{ argv: ['set', 'elsewhere', '2'] }] };
    await expect(up([lost, ALONE[1] as Item, valueItem('d', '4')], machine)).rejects.toMatchObject({
      object: 'value b',
      reason: 'the commands succeeded but the state did not change: it is not there',
    });
    expect(machine.values.has('d')).toBe(false);
    expect(machine.values.has('c')).toBe(false);
  });

  it.each([
    ['', ITEMS],
    [' as a group', [valueItem('a', '1'), ...ALONE, valueItem('d', '4', 2)]],
  ])('comes up and goes down whole%s, however often it was killed in between', async (_, items) => {
    const states = fc.constantFrom(undefined, 'old', '1', '2', '3', '4', 'half-0');
    const scenario = fc.record({
      before: fc.tuple(states, states, states, states),
      up: fc.array(fc.nat(20), { maxLength: 8 }),
      down: fc.array(fc.nat(12), { maxLength: 8 }),
      upAgain: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ before, up: kills, down: laterKills, upAgain }) => {
        rmSync(file, { force: true });
        const entries = before.flatMap((value, i) =>
          value === undefined ? [] : [['abcd'[i] as string, value] as const],
        );
        const machine = new FakeMachine(new Map(entries));
        const killed = async (at: number, run: (victim: FakeMachine) => Promise<unknown>) => {
          const victim = machine.reborn();
          victim.diesAt = at;
          await run(victim).catch((error: unknown) => {
            if (!(error instanceof Dead)) throw error;
          });
        };
        for (const at of kills) await killed(at, (victim) => up(items, victim));
        await up(items, machine.reborn());
        expect(Object.fromEntries(machine.values)).toEqual({ a: '1', b: '2', c: '3', d: '4' });
        for (const at of laterKills) await killed(at, (victim) => down(items, victim));
        if (upAgain) await up(items, machine.reborn());
        if (upAgain) expect(Object.fromEntries(machine.values)).toEqual({ a: '1', b: '2', c: '3', d: '4' });
        await down(items, machine.reborn());
        expect(Object.fromEntries(machine.values)).toEqual(Object.fromEntries(entries));
        expect(Journal.read('site', file)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  it('that cannot be finished is rolled back, by what this run did', async () => {
    const machine = new FakeMachine(new Map([['c', 'old']]));
    machine.refuses.add('set d half-0');
    await expect(up(ITEMS, machine)).rejects.toMatchObject({ object: 'set d half-0' });
    expect(Object.fromEntries(machine.values)).toEqual({ c: 'old' });
    expect(Journal.read('site', file)).toBeUndefined();
  });

  it('keeps in the journal what could not be rolled back', async () => {
    const machine = new FakeMachine(new Map([['a', 'old']]));
    machine.refuses.add('set d half-0').add('set a old');
    await expect(up(ITEMS, machine)).rejects.toThrow('refused');
    expect(Object.fromEntries(machine.values)).toEqual({ a: '1' });
    expect(Journal.read('site', file)?.entries.map(({ key }) => key)).toEqual(['value a']);
    expect(await down(ITEMS, machine.reborn())).toEqual({ undone: ['value a'], failed: [] });
    expect(Object.fromEntries(machine.values)).toEqual({ a: 'old' });
  });

  it('is rolled back when a signal comes, between two commands', async () => {
    const machine = new FakeMachine(new Map());
    let signal: string | undefined;
    machine.before = (command) => {
      if (command === 'set b half-1') signal = 'SIGTERM';
    };
    await expect(up(ITEMS, machine, () => signal)).rejects.toThrow('interrupted by SIGTERM');
    // The command that was running has ended; the one behind it never began.
    expect(machine.done).toEqual(['set a 1', 'set b half-0', 'set b half-1', 'unset b', 'unset a']);
    expect(machine.values.size).toBe(0);
  });

  it('an item whose change another program undoes at once is an error', async () => {
    const machine = new FakeMachine(new Map());
    const stubborn = { ...valueItem('a', '1'), apply: () => [{ argv: ['set', 'a', 'other'] }] };
    await expect(up([stubborn], machine)).rejects.toThrow('it is other');
    expect(machine.values.size).toBe(0);
  });

  it('leaves alone what someone else has changed since', async () => {
    const machine = new FakeMachine(new Map([['c', 'old']]));
    await up(ITEMS, machine);
    machine.values.set('c', 'theirs');
    machine.values.delete('a');
    expect((await down(ITEMS, machine.reborn()))?.undone).toEqual(['value d', 'value b']);
    expect(Object.fromEntries(machine.values)).toEqual({ c: 'theirs' });
  });

  it('is not down while something that had to go is still there', async () => {
    const machine = new FakeMachine(new Map());
    await up(ITEMS, machine);
    const stuck = machine.reborn();
    stuck.refuses.add('unset a');
    expect((await down(ITEMS, stuck))?.failed).toEqual([{ key: 'value a', reason: 'refused' }]);
    expect(Journal.read('site', file)?.entries.map(({ key }) => key)).toEqual(['value a']);
    expect(await down(ITEMS, machine.reborn())).toEqual({ undone: ['value a'], failed: [] });
  });

  it('is rolled back to the end where the journal cannot be written any more', async () => {
    const machine = new FakeMachine(new Map());
    const journal = journalOf(machine);
    const full = new ClearDfError({ code: 'RUNTIME', operation: 'write', reason: 'no space left' });
    machine.before = (command) => {
      if (command !== 'set c 3') return;
      vi.spyOn(journal, 'begin').mockImplementation(() => {
        throw full;
      });
      vi.spyOn(journal, 'drop').mockImplementation(() => {
        throw full;
      });
    };
    await expect(applyItems(ITEMS, { machine, journal, log, stopping: () => undefined })).rejects.toBe(full);
    expect(machine.values.size).toBe(0);
  });

  describe('with a module whose parameter the kernel turns on', () => {
    const unload = { argv: ['unset', 'module'], mayFail: true, onlyWhile: { sysctls: { call: '0' } } };
    const module: Item = {
      ...valueItem('module', 'on'),
      ...{ kind: 'module', apply: () => [{ argv: ['set', 'call', '1'] }, { argv: ['set', 'module', 'on'] }] },
      undo: () => [unload],
    };
    const quiet: Item = { ...valueItem('call', '0'), ...{ kind: 'sysctl', key: 'sysctl call', undo: () => [] } };
    const items = [module, quiet, ...ITEMS];

    it.each([2, 3, 4])('takes it out again when up was killed before step %i / 2', async (diesAt) => {
      const machine = new FakeMachine(new Map());
      const victim = machine.reborn();
      victim.diesAt = diesAt;
      await expect(up(items, victim)).rejects.toBeInstanceOf(Dead);
      await down(items, machine.reborn());
      expect(machine.values.get('module')).toBeUndefined();
    });

    it('takes it out again when up is interrupted in between', async () => {
      const machine = new FakeMachine(new Map());
      let signal: string | undefined;
      machine.before = (command) => {
        if (command === 'set module on') signal = 'SIGTERM';
      };
      await expect(up(items, machine, () => signal)).rejects.toThrow('interrupted by SIGTERM');
      expect(machine.values.get('module')).toBeUndefined();
    });

    it('leaves it in when someone has turned the parameter on since', async () => {
      const machine = new FakeMachine(new Map());
      await up(items, machine);
      machine.values.set('call', '1');
      await down(items, machine.reborn());
      expect(Object.fromEntries(machine.values)).toEqual({ module: 'on', call: '1' });
    });
  });

  it('puts back unseen what its plan does not know any more', async () => {
    const machine = new FakeMachine(new Map());
    await up(ITEMS, machine);
    expect((await down([], machine.reborn()))?.failed).toEqual([]);
    expect(machine.values.size).toBe(0);
  });
});

describe.each([
  ['gretap', 'gretap gretap1'],
  ['vxlan', 'vxlan vxlan1'],
  ['l2tp-session', 'l2tp-session 7'],
])('a tunnel device that cannot be taken away: %s', (kind, key) => {
  const guard: Item = { ...valueItem('guard', '1'), kind: 'xfrm-guard', key: 'xfrm-guard ends' };
  const tunnel: Item = { ...valueItem('tunnel', '1'), kind, key };
  const sends: Item = { ...tunnel, undo: () => [{ argv: ['unset', 'tunnel', 'delete'] }] };
  const REMOVE = 'unset tunnel delete';
  const items = [valueItem('a', '1'), guard, sends, valueItem('b', '2')];

  it('keeps what keeps its frames from leaving unencrypted, until it is gone', async () => {
    const machine = new FakeMachine(new Map());
    await up(items, machine);
    machine.refuses.add(REMOVE);
    const first = await down(items, machine);
    expect(first?.failed.map((one) => one.key)).toEqual([key, 'xfrm-guard ends']);
    expect(Object.fromEntries(machine.values)).toEqual({ guard: '1', tunnel: '1' });
    machine.refuses.clear();
    expect(await down(items, machine)).toMatchObject({ failed: [] });
    expect(machine.values.size).toBe(0);
  });

  it('keeps it also when an up is rolled back', async () => {
    const machine = new FakeMachine(new Map());
    machine.refuses.add('set b 2').add(REMOVE);
    await expect(up(items, machine)).rejects.toThrow('refused');
    expect(Object.fromEntries(machine.values)).toEqual({ guard: '1', tunnel: '1' });
    expect(journalOf(machine).entries.map((one) => one.key)).toEqual(['xfrm-guard ends', key]);
  });
});
