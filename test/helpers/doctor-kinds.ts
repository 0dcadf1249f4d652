/** Tunnel devices of each kind, as they stand and what mends them: the rows of the doctor's story, `test/lab/doctor-kinds.more.ts`. */
import { expect } from 'vitest';
import { clearDf, type Daemon, startClearDf } from './clear-df.js';
import type { Namespace } from './netns.js';

const MINUTES = 60_000;
export const DEVICE = 'tun1';

export interface Ends {
  local: string;
  remote: string;
  /** 1 or 2. */
  end: number;
}

export interface Case {
  device: string;
  /** Commands of `ip`, without it. */
  make: (ends: Ends) => string[];
  over6?: true;
  /** What mends it, on both routers: as the doctor proposes it, or by a command of clear-df that goes on running. */
  mend: 'fix' | { words: string; run: (at: Namespace, ends: Ends) => Promise<Daemon | undefined> };
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

const erspan = (header: string, flags: string, mtu?: number): Case['make'] => {
  const bigger = mtu === undefined ? [] : [`link set ${DEVICE} mtu ${mtu}`];
  return (ends) => [...gre('erspan', `seq key 1 ${header} ${flags}`)(ends), ...bigger];
};
const [TYPE_2, TYPE_3] = ['erspan_ver 1 erspan 7', 'erspan_ver 2 erspan_dir ingress erspan_hwid 3'];

/** Runs commands of `ip`, without it. */
export const runIp = async (at: Namespace, lines: readonly string[]): Promise<undefined> => {
  for (const line of lines) await at.ip(...line.split(' ').filter(Boolean));
};

export const BRIDGED: Case[] = [
  {
    device: 'gretap',
    make: (ends) => [...gre('gretap', 'nopmtudisc')(ends), `link set ${DEVICE} mtu 1500`],
    mend: 'fix',
  },
  { device: 'gretap with ignore-df, MTU 1462', make: gre('gretap', 'nopmtudisc', 'ignore-df'), mend: 'fix' },
  { device: 'erspan type II with nopmtudisc', make: erspan(TYPE_2, 'nopmtudisc', 1500), mend: attach },
  {
    device: 'erspan type III',
    make: erspan(TYPE_3, '', 1500),
    mend: {
      words: `ip link delete ${DEVICE} && ip link add ${DEVICE} type erspan … nopmtudisc ignore-df && ip link set ${DEVICE} mtu 1500 master br0 up`,
      run: async (at, ends) =>
        runIp(at, [
          `link delete ${DEVICE}`,
          ...erspan(TYPE_3, 'nopmtudisc ignore-df', 1500)(ends),
          `link set ${DEVICE} master br0 up`,
        ]),
    },
  },
  { device: 'erspan type II with ignore-df, MTU 1450', make: erspan(TYPE_2, 'nopmtudisc ignore-df'), mend: 'fix' },
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
export const ROUTED: Case[] = [
  { device: 'gre, MTU 1476', make: gre('gre', 'nopmtudisc'), mend: queue('', ...forwarded) },
  { device: 'gre, MTU 1500', make: (ends) => [...gre('gre')(ends), `link set ${DEVICE} mtu 1500`], mend: 'fix' },
  { device: 'gre with ignore-df, MTU 1476', make: gre('gre', 'nopmtudisc', 'ignore-df'), mend: 'fix' },
  { device: 'ipip, MTU 1480', make: gre('ipip'), mend: queue('', ...forwarded) },
  { device: 'ipip, MTU 1500', make: (ends) => [...gre('ipip')(ends), `link set ${DEVICE} mtu 1500`], mend: 'fix' },
];

export const IPV6: Case[] = [
  {
    device: 'sit, MTU 1480',
    make: gre('sit'),
    mend: {
      words: `ip link change ${DEVICE} type sit … nopmtudisc && ip link set ${DEVICE} mtu 1500`,
      run: async (at, { local, remote }) =>
        runIp(at, [
          `link change ${DEVICE} type sit local ${local} remote ${remote} nopmtudisc`,
          `link set ${DEVICE} mtu 1500`,
        ]),
    },
  },
  { device: 'sit, MTU 1500', make: (ends) => [...gre('sit')(ends), `link set ${DEVICE} mtu 1500`], mend: 'fix' },
];
