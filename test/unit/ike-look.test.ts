/** How often charon is asked, where there are many other ends. */
import { describe, expect, it } from 'vitest';
import { sharedLook } from '../../src/commands/tunnel/ike-wait.js';
import type { Runner } from '../../src/host/exec.js';
import { readIke } from '../../src/host/read/ike.js';
import type { IkeFacts } from '../../src/tunnel/facts.js';
import { espCarrier, site } from './tunnel-samples.js';

const ike = { proof: { kind: 'psk', file: '/k' }, localId: undefined, remoteId: undefined, rekey: 3600 } as const;
const MESH = site({
  moreRemotes: Array.from({ length: 20 }, (_, i) => `172.16.1.${i}`),
  tunnel: { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 },
  carrier: espCarrier({ keys: 'ike', ike }),
});

describe('charon', () => {
  it.each([
    [true, 23],
    [false, 2],
  ])('is asked for its counters of each other end only where they are for people: %s', async (counted, questions) => {
    let asked = 0;
    const query = async () => {
      asked += 1;
      return '';
    };
    const change = () => Promise.reject(new Error('nothing is changed'));
    const runner: Runner = { dryRun: false, query, change, effect: change };
    expect(await readIke(runner, MESH, counted)).toMatchObject({ silent: undefined, associations: [] });
    expect(asked).toBe(questions);
  });

  it('is asked once for all who wait, and anew by who has changed something', async () => {
    let reads = 0;
    const look = sharedLook(async () => {
      reads += 1;
      return { boot: String(reads) } as unknown as IkeFacts;
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => look()));
    expect(new Set(answers.map((facts) => facts?.boot))).toEqual(new Set(['1']));
    expect((await look())?.boot).toBe('1');
    expect((await look(true))?.boot).toBe('2');
    expect((await look())?.boot).toBe('2');
  });
});
