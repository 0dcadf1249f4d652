/**
 * What the identification is worth when fragments are lost.
 *
 *   client ───── router ═════ lossy ═════ server
 *     MTU 1500      MTU 1200, 0.5 %   MTU 1200
 *                 of fragments dropped
 *
 * 20 MB of TCP: about 13,800 segments of 1500 bytes, cut in two behind the router. About 1 % of them lose a half;
 * the other half waits at the server: by default up to 30 s, here for an hour, so that it does not matter how long the
 * transfer takes. When a later segment has the same identification, the two are taken for one datagram: ReasmFails
 * beyond those of the time-out, or a wrong TCP checksum.
 */
import { foreignRule, startClearDf } from './clear-df.js';
import { type Delivery, deliver } from './delivery.js';
import { device, ruleCounter } from './kernel.js';
import { type Routed, routed, SERVER } from './topology.js';
import { tool } from './tools.js';

export const POLICIES = ['random', 'sequential', 'keep', 'rand()'] as const;
export type Policy = (typeof POLICIES)[number];

export const MEGABYTES = 20;
const SMALL_MTU = 1200;
const LOSS = 0.005;

/** What one transfer did. */
export interface LossyTransfer {
  policy: Policy;
  fragmentsLost: number;
  /** ReasmFails at the server, those of the 30 s time-out left out. */
  reassemblyFails: number;
  checksumErrors: number;
  retransmits: number;
  megabitsPerSecond: number;
  /** Packets dropped by the router's egress veth, whose peer's backlog was full: no fault of the identification. */
  backlogDrops: number;
}

/** One transfer in namespaces of its own: halves that still wait would tell on the next one. */
export async function lossyTransfer(policy: Policy): Promise<LossyTransfer> {
  const net = await routed(SMALL_MTU);
  try {
    await putLossyHop(net);

    await foreignRule(net.router, { match: ['-i', 'eth0', '-p', 'tcp'] });
    await mangle(net, policy);
    const result = await deliver(net.client, net.server, SERVER, MEGABYTES * 1_000_000);
    const backlogDrops = (await device(net.router, 'eth1')).txDropped;
    return { policy, fragmentsLost: await fragmentsLost(net), backlogDrops, ...summary(result) };
  } finally {
    await net.lab[Symbol.asyncDispose]();
  }
}

/** Puts the server behind one more hop, which drops fragments at random. */
async function putLossyHop({ lab, router, server }: Routed): Promise<void> {
  const lossy = await lab.namespace('lossy');
  await router.ip('link', 'delete', 'eth1');
  await lab.link(
    { at: router, dev: 'eth1', address: '10.0.2.1/24', mtu: SMALL_MTU },
    { at: lossy, dev: 'eth0', address: '10.0.2.2/24', mtu: SMALL_MTU },
  );
  await lab.link(
    { at: lossy, dev: 'eth1', address: '10.0.1.1/24', mtu: SMALL_MTU },
    { at: server, dev: 'eth0', address: `${SERVER}/24`, mtu: SMALL_MTU },
  );
  await lossy.sysctl({ 'net.ipv4.ip_forward': 1 });
  await server.sysctl({ 'net.ipv4.ipfrag_time': 3600 });
  await router.ip('route', 'add', '10.0.1.0/24', 'via', '10.0.2.2');
  await lossy.ip('route', 'add', '10.0.0.0/24', 'via', '10.0.2.1');
  await server.ip('route', 'add', 'default', 'via', '10.0.1.1', 'advmss', '1460');
  await lossy.exec('iptables', [
    ...['-t', 'raw', '-A', 'PREROUTING', '-i', 'eth0', '-m', 'u32', '--u32', '4&0x3fff=1:0x3fff'],
    ...['-m', 'statistic', '--mode', 'random', '--probability', String(LOSS)],
    ...['-m', 'comment', '--comment', 'lost', '-j', 'DROP'],
  ]);
}

async function fragmentsLost({ lab }: Routed): Promise<number> {
  return (await ruleCounter(lab.at('lossy'), 'lost')).packets;
}

async function mangle({ router }: Routed, policy: Policy): Promise<void> {
  if (policy === 'rand()') {
    const program = router.spawn(await tool('plain-rand'), ['0']);
    await program.says(/ready/);
  } else {
    await startClearDf(router, '0', ['--identification', policy]);
  }
}

function summary({
  grew,
  retransmits,
  megabitsPerSecond,
}: Delivery): Omit<LossyTransfer, 'policy' | 'fragmentsLost' | 'backlogDrops'> {
  return {
    reassemblyFails: grew('IpReasmFails') - grew('IpReasmTimeout'),
    checksumErrors: grew('TcpInCsumErrors'),
    retransmits,
    megabitsPerSecond,
  };
}

/** One line of the table for each transfer, as Markdown. */
export function lossTable(transfers: readonly LossyTransfer[]): string {
  const head = ['identification', 'fragments lost', 'ReasmFails', 'TCP checksum errors', 'retransmits'];
  const rows = transfers.map((one) => [
    one.policy === 'rand()' ? 'plain `rand()`' : `\`${one.policy}\``,
    ...[one.fragmentsLost, one.reassemblyFails, one.checksumErrors, one.retransmits].map(String),
  ]);
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
