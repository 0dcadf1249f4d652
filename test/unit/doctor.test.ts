/** Every judgement of the doctor, right, wrong and unknown, on made-up machines. */
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/doctor/examine.js';
import { type Finding, type FindingState, GROUPS } from '../../src/doctor/finding.js';
import { BRIDGE, LET_THROUGH } from './doctor/bridge.js';
import type { Case } from './doctor/cases.js';
import { KERNEL, MODULES } from './doctor/kernel.js';
import { LIMITS } from './doctor/limits.js';
import { NOT_READ, bridged, machine } from './doctor/machine.js';
import { PATH } from './doctor/path.js';
import { QUEUE } from './doctor/queue.js';
import { ROUTED } from './doctor/routed.js';
import { TUNNEL } from './doctor/tunnel.js';

const RANK: Record<FindingState, number> = { ok: 0, unknown: 1, wrong: 2 };

/** The worst finding of a check, the one that a person would look at. */
function worst(findings: readonly Finding[]): Finding {
  const [first] = [...findings].sort((a, b) => RANK[b.state] - RANK[a.state]);
  if (first === undefined) throw new Error('this check said nothing');
  return first;
}

function judge(found: Finding, [, , state, holds, mend]: Case): void {
  expect(found).toMatchObject({ state });
  expect(found.evidence).toMatch(holds);
  if (mend !== undefined) expect([found.fix, found.hint].filter((text) => text && mend.test(text))).not.toEqual([]);
  if (found.state === 'wrong') expect(found.fix ?? found.hint).toBeDefined();
  if (found.state === 'ok') expect(found).not.toHaveProperty('fix');
}

/** Two groups may have a check of the same name. */
function table(group: (typeof GROUPS)[number] | undefined, cases: readonly Case[]) {
  it.each(cases.map((each, i) => ({ name: `${each[0]}: ${each[2]}, ${each[3].source} (${i})`, each })))(
    '$name',
    ({ each }) => {
      const findings = examine(machine(each[1]));
      judge(
        worst(findings.filter((one) => one.check === each[0] && (group === undefined || one.group === group))),
        each,
      );
    },
  );
}

describe('kernel', () => table('kernel', KERNEL));
describe('queue', () => table('queue', QUEUE));
describe('bridge', () => table('bridge', BRIDGE));
describe('tunnel', () => table('tunnel', TUNNEL));
describe('routed tunnels', () => table('tunnel', ROUTED));
describe('path', () => table('path', PATH));
describe('firewall and limits', () => table(undefined, LIMITS));

describe('modules by name', () => {
  it.each(MODULES.map((each) => ({ name: `${each[0]}: ${each[2]}`, each })))('$name', ({ each }) => {
    const [name, change] = each;
    judge(worst(examine(machine(change)).filter(({ check, what }) => check === 'modules' && what === name)), each);
  });
});

describe('a FORWARD policy of DROP', () => {
  it.each(LET_THROUGH.map((change, i) => ({ change, i })))(
    'with a rule that lets bridged frames pass ($i)',
    ({ change }) => {
      const lines = examine(machine(change)).filter(({ check }) => check === 'forward-policy');
      expect(lines.map(({ state }) => state)).not.toContain('wrong');
      expect(lines.map(({ state }) => state)).not.toContain('unknown');
      expect(lines.filter(({ evidence }) => /lets bridged frames pass|accepts them/.test(evidence))).toHaveLength(1);
    },
  );
});

describe('all of it', () => {
  it('finds nothing wrong on a machine where nothing is', () => {
    for (const change of [{}, bridged({ ignore_df: true })]) {
      expect(examine(machine(change)).filter(({ state }) => state !== 'ok')).toEqual([]);
    }
  });

  it('knows nothing wrong, and does not stop, where nothing can be read', () => {
    const blind = machine({
      ...{
        netAdmin: 'no',
        initialUsers: 'unknown',
        kernel: '?',
        tools: new Map(),
        modules: new Map(),
        sysctls: new Map(),
      },
      ...{ queues: NOT_READ, saves: new Map([['iptables-legacy', NOT_READ]]), nftJson: NOT_READ, nftText: NOT_READ },
      ...{ devices: NOT_READ, learnt: NOT_READ, transforms: NOT_READ, counters: NOT_READ, fragmentMemory: NOT_READ },
      can: { nftClearsDf: { answer: 'unknown', evidence: '' }, nftBridgeQueue: { answer: 'unknown', evidence: '' } },
    });
    const findings = examine(blind);
    expect(findings.filter(({ state }) => state === 'wrong')).toEqual([]);
    expect(findings.filter(({ state }) => state === 'unknown').length).toBeGreaterThan(20);
  });

  it('prints groups one after the other', () => {
    const groups = examine(machine(bridged())).map(({ group }) => GROUPS.indexOf(group));
    expect(groups).toEqual([...groups].sort((a, b) => a - b));
  });
});
