/**
 * The doctor beside tunnel devices of each kind, as they stand and mended. `test/helpers/article.ts` draws the network; bridged
 * devices are ports of br0 beside eth0, into routed ones a host's packet is routed:
 *
 *   10.1.0.2 hA eth0 ── 10.1.0.1 rA [ device ] 10.3.0.1 ─ ─ ─ 10.3.0.2 [ device ] rB 10.2.0.1 ── eth0 hB 10.2.0.2
 *
 * and the same with fd00:1::, fd00:3:: and fd00:2:: for IPv6. Each row is what a ping of 1500 bytes with DF, or of IPv6, and
 * `clear-df doctor` on router A say before and after. docs/doctor.md has them as a table: `UPDATE_GOLDEN=1` writes it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { type Article, article, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { clearDf, type Daemon } from '../helpers/clear-df.js';
import { CORE_A, CORE_B, core6 } from '../helpers/core6.js';
import { BRIDGED, type Case, DEVICE, IPV6, ROUTED, runIp } from '../helpers/doctor-kinds.js';
import type { Namespace } from '../helpers/netns.js';
import { forgetPathMtu } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';
import { wireguard } from '../helpers/wireguard.js';
import { describeKernels } from './kernels.js';

const MINUTES = 60_000;
const DOC = 'docs/doctor.md';
const [BEGIN, END] = ['<!-- kinds: written by test/lab/doctor-kinds.more.ts -->\n', '<!-- /kinds -->'];

/** Of one device: its worst finding. Counters differ from run to run. */
async function says(at: Namespace, device = DEVICE): Promise<string> {
  const { stdout, stderr } = await clearDf(at, ['doctor', '--json'], 2 * MINUTES);
  expect(stdout, stderr).not.toBe('');
  const { findings } = JSON.parse(stdout) as {
    findings: { group: string; check: string; state: string; what: string; evidence: string }[];
  };
  const about = findings.filter(
    ({ group, check, what }) =>
      group === 'tunnel' && ['full-size', 'mtu', 'routed'].includes(check) && what.endsWith(` ${device}`),
  );
  const found = about.find(({ state }) => state !== 'ok') ?? about.find(({ check }) => check !== 'mtu') ?? about[0];
  if (found === undefined) return 'says nothing';
  return `${found.state}: ${found.evidence.replace(/ \(TX errors of \S+: \d+\)/, '')}`;
}

/** `0 of 3, told 1476` */
async function passes(from: Namespace, to: string): Promise<string> {
  await forgetPathMtu(from);
  const six = to.includes(':');
  if (six) await from.ip('-6', 'route', 'flush', 'cache');
  const { received, output } = await ping(from, to, { patience: 2, size: 1500 - (six ? 48 : 28) });
  const told = /mtu ?= ?(\d+)/.exec(output)?.[1];
  return `${received} of 3${told === undefined ? '' : `, the host is told ${told}`}`;
}

/** Hosts have 10.N.0.2 or fd00:N::2, their routers .1 or ::1 of it; 3 is the tunnel's own. */
const SITES = {
  routed: { net: (site: number) => `10.${site}.0.`, length: 24, whole: '10.0.0.0/8', to: '10.2.0.2' },
  ipv6: { net: (site: number) => `fd00:${site}::`, length: 64, whole: 'fd00::/16', to: 'fd00:2::2' },
};
const wholeOf = (how: keyof typeof SITES, site: number) =>
  `${SITES[how].net(site)}${how === 'routed' ? '0' : ''}/${SITES[how].length}`;

async function sites({ hA, hB, rA, rB }: Article, how: keyof typeof SITES): Promise<void> {
  const { net, length, whole } = SITES[how];
  for (const [host, router, site] of [
    [hA, rA, 1],
    [hB, rB, 2],
  ] as const) {
    await host.ip('address', 'add', `${net(site)}2/${length}`, 'dev', 'eth0');
    await router.ip('address', 'add', `${net(site)}1/${length}`, 'dev', 'eth0');
    await host.ip('route', 'add', whole, 'via', `${net(site)}1`, 'src', `${net(site)}2`);
    await router.sysctl({ [how === 'routed' ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding']: 1 });
  }
}

describeKernels(['own', 'newest'], 'doctor and devices', (guest) => {
  const rows: string[] = [];

  const row = async (net: Article, { device, make, over6, mend }: Case, how: 'bridged' | keyof typeof SITES) => {
    const { hA, rA, rB } = net;
    const [a, b] = over6 === true ? [CORE_A, CORE_B] : [ROUTER_A, ROUTER_B];
    const to = how === 'bridged' ? HOST_B : SITES[how].to;
    const routers = [
      [rA, { local: a, remote: b, end: 1 }],
      [rB, { local: b, remote: a, end: 2 }],
    ] as const;
    for (const [at, ends] of routers) {
      await runIp(at, make(ends));
      if (how === 'bridged') await at.ip('link', 'set', DEVICE, 'master', 'br0');
      await at.ip('link', 'set', DEVICE, 'up');
      if (how === 'bridged') continue;
      const { net: addresses, length } = SITES[how];
      await at.ip('address', 'add', `${addresses(3)}${ends.end}/${length}`, 'dev', DEVICE);
      await at.ip('route', 'add', wholeOf(how, 3 - ends.end), 'dev', DEVICE);
    }
    await until(
      `${device}: small packets pass`,
      async () => (await ping(hA, to, { size: 56, count: 1 })).received === 1,
    );
    const [pinged, said] = [await passes(hA, to), await says(rA)];
    const running: (Daemon | undefined)[] = [];
    for (const [at, ends] of routers) {
      if (mend !== 'fix') running.push(await mend.run(at, ends));
      else await clearDf(at, ['doctor', '--fix', '--yes'], 4 * MINUTES);
    }
    const words = mend === 'fix' ? 'clear-df doctor --fix' : mend.words;
    rows.push(`| ${[device, pinged, said, `\`${words}\``, await passes(hA, to), await says(rA)].join(' | ')} |`);
    for (const daemon of running) await daemon?.stop();
    for (const at of [rA, rB]) {
      await at.ip('link', 'delete', DEVICE).catch(async () => at.ip('l2tp', 'del', 'tunnel', 'tunnel_id', '1'));
    }
  };

  it('that frames are bridged into', { timeout: 30 * MINUTES }, async () => {
    await guest().modprobe('ip_gre', 'ip6_gre', 'vxlan', 'geneve', 'l2tp_eth', 'l2tp_ip', 'vrf', 'br_netfilter');
    const net = await article(guest());
    try {
      await core6(net);
      for (const at of [net.rA, net.rB]) {
        for (const words of ['link add br0 type bridge', 'link set eth0 master br0', 'link set br0 up']) {
          await at.ip(...words.split(' '));
        }
      }
      for (const each of BRIDGED) await row(net, each, 'bridged');
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
  });

  it('that packets are routed into', { timeout: 30 * MINUTES }, async () => {
    await guest().modprobe('ip_gre', 'ipip', 'wireguard');
    const net = await article(guest());
    try {
      await sites(net, 'routed');
      for (const each of ROUTED) await row(net, each, 'routed');
      // Its own kind of making: keys.
      await wireguard(net);
      expect(await says(net.rA, 'wg0')).toMatch(/^ok: more than 1420 bytes are refused/);
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
  });

  it('that IPv6 packets are routed into', { timeout: 30 * MINUTES }, async () => {
    await guest().modprobe('sit');
    const net = await article(guest());
    try {
      for (const at of [net.hA, net.hB, net.rA, net.rB]) {
        await at.sysctl({ 'net.ipv6.conf.default.disable_ipv6': 0, 'net.ipv6.conf.eth0.disable_ipv6': 0 });
        // Nobody else has these addresses.
        await at.sysctl({ 'net.ipv6.conf.default.accept_dad': 0, 'net.ipv6.conf.eth0.accept_dad': 0 });
      }
      await sites(net, 'ipv6');
      for (const each of IPV6) await row(net, each, 'ipv6');
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
  });

  afterAll(() => {
    const table = [
      '| device | 1500 bytes with DF | `doctor` | what mends it, at both ends | 1500 bytes with DF | `doctor` |',
      '|---|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
    const text = readFileSync(DOC, 'utf8');
    const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(DOC, text.slice(0, from) + table + text.slice(to));
    else expect(table).toBe(text.slice(from, to));
  });
});
