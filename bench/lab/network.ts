/**
 * The bench's network, in namespaces of its own:
 *
 *   sender eth0 ─────────── eth0 router eth1 ─────────── eth0 sink
 *   10.77.0.2 … 10.77.0.65     .0.1   .1.1                10.77.1.2
 *
 * Every link has MTU 1500, so that nothing is cut: one datagram that came to the router is one at the sink at most.
 * The rule that feeds a contender stands in the router's mangle PREROUTING and takes what comes in by eth0.
 */
import { device } from '../../test/helpers/kernel.js';
import { planCores } from './cores.js';
import { Lab, type Namespace } from '../../test/helpers/netns.js';
import { installSink } from '../../test/helpers/traffic.js';
import { ownIdentifications, sendSegmentsAlone, zeroIdentifications } from '../../test/helpers/unnumbered.js';

export interface Network {
  lab: Lab;
  sender: Namespace;
  router: Namespace;
  sink: Namespace;
  /** The address of the router's eth0, to which `sender` writes its frames. */
  mac: string;
}

export const SINK = '10.77.1.2';
/** The first of the sender's addresses; the others follow. */
export const FIRST_SOURCE = '10.77.0.2';
const SOURCES = 64;

/** Sets it up; gone with its lab, however the process ends. @throws Error when not root */
export async function network(): Promise<Network> {
  const lab = await Lab.create();
  try {
    const sources = Array.from({ length: SOURCES }, (_, i) => `address add 10.77.0.${2 + i}/24 dev eth0`);
    const hosts = {
      sender: { ip: [...sources, 'route add default via 10.77.0.1'] },
      router: { sysctl: { 'net.ipv4.ip_forward': 1 } },
      sink: { ip: ['route add default via 10.77.1.1'] },
    };
    const { sender, router, sink } = await lab.build(hosts, [
      [
        { at: 'sender', dev: 'eth0' },
        { at: 'router', dev: 'eth0', address: '10.77.0.1/24' },
      ],
      [
        { at: 'router', dev: 'eth1', address: '10.77.1.1/24' },
        { at: 'sink', dev: 'eth0', address: `${SINK}/24` },
      ],
    ]);
    await installSink(sink);
    await keepAcknowledgements(sender, planCores().sender);
    const [link] = JSON.parse(await router.ip('-j', 'link', 'show', 'dev', 'eth0')) as [{ address: string }];
    // Found now, not under load.
    await router.exec('ping', ['-c', '1', '-W', '5', SINK]);
    return { lab, sender, router, sink, mac: link.address };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Has the sender's core, and no other, take what comes back to it (RPS). An acknowledgement comes by the core that the
 * packet left the router on, the contender's; TCP would then send from there too, and from two cores its segments
 * overtake each other on the way to the router, whoever stands in it.
 */
async function keepAcknowledgements(sender: Namespace, core: number): Promise<void> {
  const mask = (1 << core).toString(16);
  await sender.exec('sh', ['-c', `echo ${mask} > /sys/class/net/eth0/queues/rx-0/rps_cpus`]);
}

/**
 * Has the sender give every packet of TCP identification 0, one segment a packet, and the router merge what it receives
 * (GRO): what the fast path leaves to the queue. @returns what takes it back
 */
export async function unnumber({ sender, router }: Network): Promise<() => Promise<void>> {
  await sendSegmentsAlone(sender, 'eth0');
  await router.offload('eth0', { gro: true });
  await zeroIdentifications(sender);
  return async () => {
    await ownIdentifications(sender);
    await router.offload('eth0', { gro: false });
    await sender.ip('link', 'set', 'eth0', 'gso_max_segs', '65535');
    await sender.offload('eth0', { tx: true, gso: true, tso: true });
  };
}

/** Packets that came to the router by its eth0, from anyone. */
export async function offered({ router }: Network): Promise<number> {
  return (await device(router, 'eth0')).rx;
}
