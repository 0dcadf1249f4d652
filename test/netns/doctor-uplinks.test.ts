/**
 * The doctor on a router with two uplinks, which chooses by the source address:
 *
 *   eth1 192.0.2.1 ──── table 7, for what has this source          the tunnel is from here
 *   eth2 203.0.113.2 ── the default route of all others
 */
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/doctor/finding.js';
import { clearDf } from '../helpers/clear-df.js';
import { Lab } from '../helpers/netns.js';

it('takes the path that a tunnel’s own packets take, to each of its other ends', async () => {
  await using lab = await Lab.create();
  const router = await lab.namespace('router');
  const wan = await lab.namespace('wan');
  await lab.link({ at: router, dev: 'eth0' }, { at: wan, dev: 'host' });
  await lab.link({ at: router, dev: 'eth1', address: '192.0.2.1/24' }, { at: wan, dev: 'one' });
  await lab.link({ at: router, dev: 'eth2', address: '203.0.113.2/24' }, { at: wan, dev: 'two' });
  await router.ip('route', 'add', 'default', 'via', '203.0.113.1');
  await router.ip('route', 'add', 'default', 'via', '192.0.2.254', 'dev', 'eth1', 'table', '7');
  await router.ip('rule', 'add', 'from', '192.0.2.1', 'lookup', '7');

  const file = `${await lab.scratch()}/site.yaml`;
  writeFileSync(
    file,
    'local: 192.0.2.1\nremotes: [198.51.100.1, 198.51.100.2]\nunderlay: eth1\nbridge: { ports: [eth0] }\n' +
      'tunnel: { type: vxlan }\n',
  );
  const { stdout } = await clearDf(router, ['doctor', '--json', file], 60_000);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const paths = findings.filter(({ group, check }) => group === 'site' && check === 'path');
  expect(paths.map(({ what, state, evidence }) => `${state}: ${what} ${evidence}`)).toEqual([
    'ok: path to 198.51.100.1 by eth1, MTU 1500',
    'ok: path to 198.51.100.2 by eth1, MTU 1500',
  ]);
});
