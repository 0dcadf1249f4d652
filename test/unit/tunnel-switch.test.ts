/** From one version of a site file to another while the tunnel is up: what changes, what is refused, what is taken away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { snapshotOf } from '../../src/host/tunnel/snapshot.js';
import { Journal } from '../../src/host/tunnel/journal.js';
import { differenceOf } from '../../src/host/tunnel/former.js';
import { removeUnwanted } from '../../src/host/tunnel/remove-unwanted.js';
import { silentLogger } from '../../src/log.js';
import { refuseUsedKeys } from '../../src/commands/tunnel/used-keys.js';
import { cutsOfDifference, type Difference, stepOf } from '../../src/tunnel/difference.js';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Item } from '../../src/tunnel/item.js';
import type { Keys } from '../../src/tunnel/keys.js';
import type { Plan } from '../../src/tunnel/plan.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { CarrierSpec } from '../../src/tunnel/site/site.js';
import { FakeMachine, valueItem } from '../helpers/fake-machine.js';
import { espCarrier, espInUdpCarrier, facts, GCM_KEYS, link, site } from './tunnel-samples.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'clear-df-journal-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const NEW_KEYS: Keys = {
  out: { spi: 0x2001, encryption: `0x${'e5'.repeat(20)}` },
  in: { spi: 0x2002, encryption: `0x${'f6'.repeat(20)}` },
};

function planOf(carrier: CarrierSpec, keys?: Keys): Plan {
  return planTunnel(site({ carrier, engine: 'tunnel-flag' }), facts(), keys);
}

/** The journal of a plan that is up. */
function journalOf(plan: Plan): Journal {
  const journal = Journal.fresh(
    'site-a',
    { file: '/etc/site.yaml', text: '' },
    snapshotOf(facts()),
    `${folder}/site.json`,
  );
  for (const item of plan.items) {
    const { key, kind, desired: wanted } = item;
    journal.begin({ key, kind, desired: wanted, observed: 'none', undo: item.undo(facts()) });
    journal.made(key);
  }
  return journal;
}

function stepKinds({ items }: Plan, machine: Facts, difference: Difference): string[] {
  return items.map((item) => stepOf(item, machine, difference).how);
}

function refusal(attempt: () => unknown): ClearDfError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const keysOf = (entries: readonly { key: string }[]) => entries.map(({ key }) => key);

describe('a tunnel that is up from another version of its file', () => {
  const up = planOf(espCarrier(), GCM_KEYS);

  it('loses its old associations, and nothing else, where only those differ', () => {
    for (const plan of [planOf(espInUdpCarrier(), NEW_KEYS), planOf(espCarrier(), NEW_KEYS)]) {
      const { known, unwanted } = differenceOf(plan.items, { journal: journalOf(up), facts: facts(), former: up });
      expect(keysOf(unwanted)).toEqual([
        'xfrm-state 172.16.0.1 192.168.200.1 0x00001002',
        'xfrm-state 192.168.200.1 172.16.0.1 0x00001001',
      ]);
      expect(stepKinds(plan, facts(), { known, unwanted })).not.toContain('remake');
      expect(cutsOfDifference(plan.items, facts(), { known, unwanted })).toEqual([
        'frames between the ends are lost until both have the new associations',
      ]);
    }
  });

  it('keeps its guard of nft where nft cannot be read', () => {
    const blind: Facts = { ...facts(), tables: undefined };
    const plan = planTunnel(site({ carrier: espCarrier(), engine: 'tunnel-flag' }), blind, GCM_KEYS);
    expect(plan.items.some(({ kind }) => kind === 'nft-table')).toBe(false);
    expect(differenceOf(plan.items, { journal: journalOf(up), facts: blind, former: up }).unwanted).toEqual([]);
  });

  it('has nothing to take away where the plan is the same', () => {
    expect(differenceOf(up.items, { journal: journalOf(up), facts: facts() }).unwanted).toEqual([]);
  });

  it('asks for new keys where the same association would have to be made anew', () => {
    const state = { source: '192.168.200.1', destination: '172.16.0.1', protocol: 'esp', mode: 'transport' } as const;
    const rest = { reqid: 3295, mark: undefined, ifId: undefined, outputMark: undefined, encap: undefined, digest: '' };
    const machine: Facts = facts({ states: [{ ...state, spi: 0x1001, ...rest }] });
    const { code, reason, hint } = refusal(() =>
      refuseUsedKeys(planOf(espInUdpCarrier(), GCM_KEYS), journalOf(up), machine),
    );
    expect(code).toBe('CONFLICT');
    expect(reason).toContain('its UDP ports are none');
    expect(hint).toContain('clear-df tunnel keys');
    // New ones, and those of somebody else, are another matter.
    expect(() => refuseUsedKeys(planOf(espInUdpCarrier(), NEW_KEYS), journalOf(up), machine)).not.toThrow();
    const stranger = Journal.fresh('b', { file: '', text: '' }, snapshotOf(facts()), `${folder}/b.json`);
    expect(() => refuseUsedKeys(planOf(espInUdpCarrier(), GCM_KEYS), stranger, machine)).not.toThrow();
  });
});

describe('what an earlier plan made', () => {
  const items = [valueItem('a', '1'), valueItem('b', '2'), valueItem('c', '3')];
  const journalOfValues = (machine: FakeMachine) => {
    const journal = Journal.fresh('s', { file: '', text: '' }, snapshotOf(machine.facts), `${folder}/s.json`);
    for (const item of items) {
      const { key, kind, desired: wanted } = item;
      journal.begin({ key, kind, desired: wanted, observed: 'none', undo: [{ argv: ['unset', key.slice(6)] }] });
      journal.made(key);
    }
    return journal;
  };
  const formerly = (machine: FakeMachine) => ({ items, order: items, machine: async () => machine });
  const up = () => new FakeMachine(new Map([['a', '1'], ['b', '2'], ['c', '3']])); // oxfmt-ignore

  it('is taken away backwards, and forgotten', async () => {
    const machine = up();
    const journal = journalOfValues(machine);
    const unwanted = journal.entries.slice(0, 2);
    expect(await removeUnwanted(unwanted, formerly(machine), { journal, log: silentLogger() })).toBe(0);
    expect(machine.done).toEqual(['unset b', 'unset a']);
    expect(keysOf(journal.entries)).toEqual(['value c']);
  });

  it('stays in the journal where it cannot be taken away, and the others go', async () => {
    const machine = up();
    machine.refuses.add('unset b');
    const journal = journalOfValues(machine);
    expect(await removeUnwanted(journal.entries, formerly(machine), { journal, log: silentLogger() })).toBe(1);
    expect(Object.fromEntries(machine.values)).toEqual({ b: '2' });
    expect(keysOf(journal.entries)).toEqual(['value b']);
  });

  it('stays sealed where its device is somebody else’s by now, and so sends on', async () => {
    class Sending extends FakeMachine {
      override get facts(): Facts {
        return { ...super.facts, links: [link('a', { kind: 'vxlan' })] };
      }
    }
    const machine = new Sending(new Map([['a', 'foreign'], ['b', '2']])); // oxfmt-ignore
    const journal = journalOfValues(machine);
    const made = [
      { ...items[1], kind: 'xfrm-guard', key: 'xfrm-guard b' },
      { ...items[0], kind: 'vxlan', key: 'vxlan a' },
    ] as Item[];
    for (const { key, kind, desired } of made) {
      journal.begin({ key, kind, desired, observed: 'none', undo: [{ argv: ['unset', key.slice(-1)] }] });
      journal.made(key);
    }
    const unwanted = journal.entries.slice(3);
    const former = { items: made, order: made, machine: async () => machine };
    expect(await removeUnwanted(unwanted, former, { journal, log: silentLogger() })).toBe(1);
    expect(Object.fromEntries(machine.values)).toEqual({ a: 'foreign', b: '2' });
  });
});
