/**
 * The doctor beside tunnel devices of each kind, as they stand and mended. `test/helpers/article.ts` draws the network; bridged
 * devices are ports of br0 beside eth0, into routed ones a host's packet is routed:
 *
 *   10.1.0.2 hA eth0 ── 10.1.0.1 rA [ device ] 10.3.0.1 ─ ─ ─ 10.3.0.2 [ device ] rB 10.2.0.1 ── eth0 hB 10.2.0.2
 *
 * Each row is what a ping of 1500 bytes with DF and `clear-df doctor` on router A say before and after. docs/doctor.md has
 * them as a table: `UPDATE_GOLDEN=1` writes it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { type Article, article, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { clearDf, type Daemon, startClearDf } from '../helpers/clear-df.js';
import { CORE_A, CORE_B, core6 } from '../helpers/core6.js';
import type { Namespace } from '../helpers/netns.js';
import { forgetPathMtu } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';
import { wireguard } from '../helpers/wireguard.js';
import { describeKernels } from './kernels.js';

const MINUTES = 60_000;
const DOC = 'docs/doctor.md';
const [BEGIN, END] = ['<!-- kinds: written by test/lab/doctor-kinds.more.ts -->\n', '<!-- /kinds -->'];
const DEVICE = 'tun1';

interface Ends {
  local: string;
  remote: string;
  /** 1 or 2. */
  end: number;
}

interface Case {
  device: string;
  /** Commands of `ip`, without it. */
  make: (ends: Ends) => string[];
  over6?: true;
  /** What mends it, on both routers: as the doctor proposes it, or by a command of clear-df that goes on running. */
  mend: 'fix' | { words: string; run: (at: Namespace) => Promise<Daemon | undefined> };
}

const gre =
  (type: string, ...flags: string[]) =>
  ({ local, remote }: Ends) => [`link add ${DEVICE} type ${type} local ${local} remote ${remote} ${flags.join(' ')}`];
const udp =
  (type: string) =>
  ({ local, remote }: Ends) => [
    `link add ${DEVICE} type ${type} id 7 remote ${remote} ${type === 'vxlan' ? `local ${local}` : ''} dstport 4789`,
    `link set ${DEVICE} mtu 1500`,
  ];
const attach: Case['mend'] = {
  words: `clear-df fast-path attach ${DEVICE}`,
  run: async (at) => {
    const done = await clearDf(at, ['fast-path', 'attach', DEVICE], 2 * MINUTES);
    expect(done.exitCode, done.stderr).toBe(0);
    return undefined;
  },
};
const forwarded = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--larger-than', 'mtu', '--out-dev', DEVICE];
const queue = (before: string, ...args: string[]): Case['mend'] => ({
  words: [...(before === '' ? [] : [`ip ${before}`]), `clear-df --queue 0 ${args.join(' ')}`].join(' && '),
  run: async (at) => {
    if (before !== '') await at.ip(...before.split(' '));
    return startClearDf(at, '0', args);
  },
});

const BRIDGED: Case[] = [
  {
    device: 'gretap',
    make: (ends) => [...gre('gretap', 'nopmtudisc')(ends), `link set ${DEVICE} mtu 1500`],
    mend: 'fix',
  },
  { device: 'gretap with ignore-df, MTU 1462', make: gre('gretap', 'nopmtudisc', 'ignore-df'), mend: 'fix' },
  { device: 'vxlan', make: udp('vxlan'), mend: attach },
  { device: 'geneve', make: udp('geneve'), mend: attach },
  {
    device: 'ip6gretap',
    over6: true,
    make: (ends) => [...gre('ip6gretap', 'encaplimit', 'none')(ends), `link set ${DEVICE} mtu 1500`],
    mend: queue(
      `link set ${DEVICE} mtu 1442`,
      '--install-rules',
      '--hook',
      'bridge',
      '--out-dev',
      DEVICE,
      '--gso',
      'off',
    ),
  },
  {
    device: 'l2tpeth, MTU 1458',
    make: ({ local, remote }) => [
      `l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap ip local ${local} remote ${remote}`,
      `l2tp add session name ${DEVICE} tunnel_id 1 session_id 1 peer_session_id 1`,
      `link set ${DEVICE} mtu 1458`,
    ],
    mend: {
      words: `ip link set ${DEVICE} mtu 1500`,
      run: async (at) => void (await at.ip('link', 'set', DEVICE, 'mtu', '1500')),
    },
  },
];
const ROUTED: Case[] = [
  { device: 'gre, MTU 1476', make: gre('gre', 'nopmtudisc'), mend: queue('', ...forwarded) },
  { device: 'gre, MTU 1500', make: (ends) => [...gre('gre')(ends), `link set ${DEVICE} mtu 1500`], mend: 'fix' },
  { device: 'gre with ignore-df, MTU 1476', make: gre('gre', 'nopmtudisc', 'ignore-df'), mend: 'fix' },
  { device: 'ipip, MTU 1480', make: gre('ipip'), mend: queue('', ...forwarded) },
  { device: 'ipip, MTU 1500', make: (ends) => [...gre('ipip')(ends), `link set ${DEVICE} mtu 1500`], mend: 'fix' },
];

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
  const { received, output } = await ping(from, to, { patience: 2 });
  const told = /mtu ?= ?(\d+)/.exec(output)?.[1];
  return `${received} of 3${told === undefined ? '' : `, the host is told ${told}`}`;
}

describeKernels(['own', 'newest'], 'doctor and devices', (guest) => {
  const rows: string[] = [];

  const row = async (net: Article, { device, make, over6, mend }: Case, how: 'bridged' | 'routed') => {
    const { hA, rA, rB } = net;
    const [a, b] = over6 === true ? [CORE_A, CORE_B] : [ROUTER_A, ROUTER_B];
    const to = how === 'bridged' ? HOST_B : '10.2.0.2';
    for (const [at, ends] of [
      [rA, { local: a, remote: b, end: 1 }],
      [rB, { local: b, remote: a, end: 2 }],
    ] as const) {
      for (const line of make(ends)) await at.ip(...line.split(' ').filter(Boolean));
      if (how === 'bridged') await at.ip('link', 'set', DEVICE, 'master', 'br0');
      await at.ip('link', 'set', DEVICE, 'up');
      if (how === 'bridged') continue;
      await at.ip('address', 'add', `10.3.0.${ends.end}/24`, 'dev', DEVICE);
      await at.ip('route', 'add', `10.${3 - ends.end}.0.0/24`, 'dev', DEVICE);
    }
    await until(
      `${device}: small packets pass`,
      async () => (await ping(hA, to, { size: 56, count: 1 })).received === 1,
    );
    const [pinged, said] = [await passes(hA, to), await says(rA)];
    const running: (Daemon | undefined)[] = [];
    for (const at of [rA, rB]) {
      if (mend !== 'fix') running.push(await mend.run(at));
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
      const { hA, hB, rA, rB } = net;
      for (const [host, router, site] of [
        [hA, rA, 1],
        [hB, rB, 2],
      ] as const) {
        await host.ip('address', 'add', `10.${site}.0.2/24`, 'dev', 'eth0');
        await router.ip('address', 'add', `10.${site}.0.1/24`, 'dev', 'eth0');
        await host.ip('route', 'add', '10.0.0.0/8', 'via', `10.${site}.0.1`, 'src', `10.${site}.0.2`);
        await router.sysctl({ 'net.ipv4.ip_forward': 1 });
      }
      for (const each of ROUTED) await row(net, each, 'routed');
      // Its own kind of making: keys.
      await wireguard(net);
      expect(await says(rA, 'wg0')).toMatch(/^ok: more than 1420 bytes are refused/);
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
