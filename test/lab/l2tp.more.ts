/**
 * Tunnels of type l2tp over IPv4 and IPv6, IP protocol 115 and UDP, with nothing that helps full-size frames into them.
 * `test/helpers/article.ts` draws the network, `test/helpers/core6.ts` the IPv6 on it.
 *
 * Around a host's packet of 1500 bytes: Ethernet 14, sublayer 4 or none, cookie 0, 4 or 8, session 4, for UDP 4 and 8,
 * and 20 of IPv4 or 40 of IPv6. What leaves is what `tunnel plan` says, packet by packet: `expectPassage` compares.
 */
import { beforeEach, expect, it } from 'vitest';
import { type Article, inArticle } from '../helpers/article.js';
import { expectPassage, L2TP } from '../helpers/carriers.js';
import { clearDf } from '../helpers/clear-df.js';
import { routerText } from '../helpers/router-text.js';
import { tagHosts } from '../helpers/matrix-sight.js';
import { ping } from '../helpers/traffic.js';
import { type TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const TAGGED_B = '10.99.0.2';
const INNER6_A = '2001:db8:ff::a';
const INNER6_B = '2001:db8:ff::b';

describeKernels(['own', 'newest'], 'tunnels of type l2tp', (guest) => {
  // Before all else: they stay.
  beforeEach(async () => guest().modprobe('l2tp_eth', 'l2tp_ip', 'l2tp_ip6', 'vrf', '8021q'));

  const within = async (use: (net: Article) => Promise<void>) => inArticle(guest(), use);

  it.each(L2TP)('$name: passes whole, as planned, and leaves nothing behind', async (passage) => {
    await within((net) => expectPassage(net, passage));
  });

  it('over IPv6: VLAN tags and inner IPv6 of 1500 pass; status, doctor, and a down that was killed', async () => {
    await within(async (net) => {
      const { hA, hB, rA } = net;
      const passage = L2TP.find(({ name }) => name.includes('cookies of 4'));
      if (passage === undefined) throw new Error('there is no such passage');
      const [a, b] = await passage.sites(net);
      const ends = await tunnelEnds(net, { ...a, engine: 'none' }, { ...b, engine: 'none' });
      const before = await routerText(rA);
      await upBoth(ends);
      await tagHosts(net);
      for (const [host, own] of [
        [hA, INNER6_A],
        [hB, INNER6_B],
      ] as const) {
        await host.sysctl({ 'net.ipv6.conf.eth0.accept_dad': 0, 'net.ipv6.conf.eth0.disable_ipv6': 0 });
        await host.ip('address', 'add', `${own}/64`, 'dev', 'eth0', 'nodad');
      }
      await until('small packets pass', async () => (await ping(hA, TAGGED_B, { size: 56, count: 1 })).received === 1);
      expect(await ping(hA, TAGGED_B)).toMatchObject({ received: 3 });
      // 40 + 8 + 1452 = 1500
      expect(await ping(hA, INNER6_B, { size: 1452 })).toMatchObject({ received: 3 });
      const [near] = ends;
      const status = await clearDf(rA, ['tunnel', 'status', near.file], 120_000);
      expect(status.stdout).toContain(', with cookies');
      expect(status.exitCode, status.stdout).toBe(0);
      for (const secret of ['00112233', '8899aabb']) expect(status.stdout).not.toContain(secret);
      const doctor = await clearDf(rA, ['doctor', near.file], 300_000);
      expect(doctor.stdout).toMatch(/ok +full-size DF frames into l2tp1/);
      expect(doctor.stdout.split('\n').filter((line) => /^\s*wrong.*(l2tp|tunnel)/.test(line))).toEqual([]);
      // Half of a down by hand: the session is gone, and the journal still leads back.
      await rA.exec('ip', ['l2tp', 'del', 'session', ...(await sessionOf(near))]);
      await Promise.all(ends.map((end) => end.down()));
      expect(await routerText(rA)).toEqual(before);
      expect(await hA.ip('-d', 'link', 'show', 'eth0')).toContain('mtu 1500');
    });
  });
});

/** Its numbers, as `ip l2tp` takes them. */
async function sessionOf({ at }: TunnelEnd): Promise<string[]> {
  const shown = await at.exec('ip', ['-j', 'l2tp', 'show', 'session']);
  const [found] = JSON.parse(shown) as { session_id: number; tunnel_id: number }[];
  if (found === undefined) throw new Error(`no session: ${shown}`);
  return ['tunnel_id', String(found.tunnel_id), 'session_id', String(found.session_id)];
}
