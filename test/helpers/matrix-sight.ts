/** What becomes of full-size packets from hA to hB, however the tunnel between them is set up. */
import type { Fate, Seen, StreamFate } from '../../scripts/lab/matrix.js';
import { type Article, HOST_B, ROUTER_A } from './article.js';
import { Capture, type Captured, readHeaders, severalZero } from './capture.js';
import { deliver } from './delivery.js';
import { nstat } from './kernel.js';
import type { Namespace } from './netns.js';
import { ping } from './traffic.js';
import { until } from './until.js';

/** In VLAN 10 on the hosts' segment. */
const TAGGED_A = '10.99.0.1';
const TAGGED_B = '10.99.0.2';
const PORT = '5001';
const PINGS = 3;
const DATAGRAMS = 40;
const TCP_BYTES = 1_000_000;
const TAGGED_TCP_BYTES = 300_000;

/** Gives both hosts an address behind a VLAN tag; needs the module 8021q. */
export async function tagHosts({ hA, hB }: Article): Promise<void> {
  await tagHost(hA, TAGGED_A);
  await tagHost(hB, TAGGED_B);
}

export async function tagHost(host: Namespace, address: string): Promise<void> {
  await host.ip('link', 'add', 'link', 'eth0', 'name', 'eth0.10', 'type', 'vlan', 'id', '10');
  await host.ip('address', 'add', `${address}/24`, 'dev', 'eth0.10');
  await host.ip('link', 'set', 'eth0.10', 'up');
}

/** Whom hA sends to. */
export interface Destination {
  host: Namespace;
  address: string;
  /** Behind the VLAN tag. */
  tagged: string;
  /** Of w, towards its router. */
  dev: string;
}

export const hostB = ({ hB }: Article): Destination => ({
  ...{ host: hB, address: HOST_B, tagged: TAGGED_B, dev: 'eth1' },
});

/** How the outer packets of router A are seen on the WAN. */
export interface Wan {
  /** tcpdump's. */
  filter: string[];
  /** In which a full-size packet leaves. */
  pieces: number;
  /** No piece is a fragment: GRE is cut before it is sealed. */
  whole?: boolean;
  /** Reads a capture; what is cut is IPv4, also where that is inside of IPv6. */
  read(file: string): Promise<Captured[]>;
}

export const IPV4: Wan = { filter: [`ip and src host ${ROUTER_A}`], pieces: 2, read: readHeaders };

/** @param protocol what the WAN should carry, and nothing else: 47, 50 */
export async function see(net: Article, to: Destination, protocol: number, wan = IPV4): Promise<Seen> {
  const { hA, w } = net;
  // What it was told in an earlier sight.
  await hA.ip('route', 'flush', 'cache');
  // Small packets pass always: the tunnel is there, and ARP is done.
  await until(
    'small packets pass',
    async () => (await small(net, to.address)) && (await small(net, to.tagged)),
    60_000,
  );
  const capture = await Capture.start(w, to.dev, wan.filter, 128);
  const { received } = await ping(hA, to.address, { count: PINGS });
  const datagrams = await send(net, to, to.address, 1, DATAGRAMS);
  await capture.finish(datagrams === 'whole' ? wan.pieces * (received + DATAGRAMS) : 0);
  const packets = await wan.read(capture.file);
  const pinged = received === PINGS ? 'whole' : received === 0 ? 'lost' : 'some lost';
  return {
    ping: pinged,
    datagrams,
    superPackets: await send(net, to, to.address, 32, 10),
    taggedSuperPackets: await send(net, to, to.tagged, 32, 10),
    tcp: pinged === 'whole' ? await stream(net, to, to.address, TCP_BYTES) : 'not tried',
    taggedTcp: await stream(net, to, to.tagged, TAGGED_TCP_BYTES),
    wan: wanWords(packets, protocol, wan),
  };
}

async function stream({ hA, rA }: Article, to: Destination, address: string, bytes: number): Promise<StreamFate> {
  const before = await nstat(rA);
  try {
    const { grew } = await deliver(hA, to.host, address, bytes);
    if (grew('TcpInCsumErrors') > 0) return 'checksum errors';
    // Where GSO packets are cut and cannot be sent, the router counts each failure.
    return (await nstat(rA))('IpFragFails') > before('IpFragFails') ? 'in small pieces' : 'whole';
  } catch (error) {
    console.warn(`matrix: TCP: ${String(error)}`);
    return 'fails';
  }
}

async function small({ hA }: Article, destination: string): Promise<boolean> {
  return (await ping(hA, destination, { size: 56, count: 1, dontFragment: false })).received === 1;
}

/** Sends `sends` packets of `segments` datagrams of 1472 bytes, with DF. */
async function send(net: Article, to: Destination, address: string, segments: number, sends: number): Promise<Fate> {
  const { hA } = net;
  const { host } = to;
  const count = segments * sends;
  const [sender, receiver] = [await hA.machine.tool('segments'), await host.machine.tool('sink')];
  const sink = host.spawn(receiver, [PORT]);
  await sink.says(/ready/);
  const before = await nstat(host);
  const done = await hA.try(sender, [address, PORT, '1472', String(segments), String(sends)]);
  if (done.exitCode !== 0) {
    await sink.stop();
    // One that is cut by the sender's own UDP is refused as a whole (`udp_send_skb`).
    if (!/Message too long|Invalid argument/.test(done.stderr)) throw new Error(`${sender}: ${done.stderr}`);
    return 'refused';
  }
  let [last, quiet] = [-1, 0];
  await until('all datagrams are there, or no more come', async () => {
    const now = (await nstat(host))('UdpInDatagrams') - before('UdpInDatagrams');
    if (now >= count) return true;
    // What has been sent before a packet that arrives has arrived, or never will: twice, because of a second queue.
    const through = await small(net, address);
    quiet = through && now === last ? quiet + 1 : 0;
    last = now;
    return quiet >= 2;
  });
  await sink.stop();
  const { distinct, corrupt } = JSON.parse(sink.stdout) as { distinct: number; corrupt: number };
  if ((await nstat(host))('UdpInCsumErrors') !== before('UdpInCsumErrors') || corrupt > 0) return 'checksum errors';
  return distinct === count ? 'whole' : distinct === 0 ? 'lost' : 'some lost';
}

const PROTOCOLS: Record<number, string> = { 17: 'UDP', 43: 'SRv6', 47: 'GRE', 50: 'ESP', 115: 'L2TPv3' };

/** `sound`, or everything that is not as it should be. */
function wanWords(packets: readonly Captured[], protocol: number, { pieces, whole = false }: Wan): string {
  const words: string[] = [];
  const others = new Set(packets.map((packet) => packet.protocol).filter((one) => one !== protocol));
  for (const other of others) words.push(`${PROTOCOLS[other] ?? `protocol ${other}`} in the clear`);
  if (whole) return [...words, ...wholeWords(packets)].join(', ') || 'sound';
  const firsts = packets.filter(({ moreFragments, offset }) => moreFragments && offset === 0);
  const seconds = packets.filter(({ moreFragments, offset }) => !moreFragments && offset > 0);
  if (pieces > 1 && firsts.length === 0) words.push('no fragments');
  if (pieces === 1 && firsts.length + seconds.length > 0) words.push('fragments');
  const numbers = firsts.map(({ identification }) => identification).sort((a, b) => a - b);
  const ends = seconds.map(({ identification }) => identification).sort((a, b) => a - b);
  if (ends.join() !== numbers.join()) words.push('fragments without their other half');
  if ([...firsts, ...seconds].some(({ dontFragment }) => dontFragment)) words.push('fragments with DF');
  if (severalZero(firsts)) words.push('identification 0');
  if (new Set(numbers).size !== numbers.length) words.push('identifications twice');
  if (packets.some(({ headerChecksumGood }) => !headerChecksumGood)) words.push('wrong header checksums');
  return words.length === 0 ? 'sound' : words.join(', ');
}

/** What is wrong with packets of which none should be a fragment. */
function wholeWords(packets: readonly Captured[]): string[] {
  const words: string[] = [];
  if (packets.some(({ moreFragments, offset }) => moreFragments || offset > 0)) words.push('fragments');
  if (packets.some(({ dontFragment }) => dontFragment)) words.push('packets with DF');
  if (packets.some(({ headerChecksumGood }) => !headerChecksumGood)) words.push('wrong header checksums');
  return words;
}
