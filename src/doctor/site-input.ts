/** Whether the firewall lets the other ends' packets in: the tunnel's own, ESP, or the UDP around that. */
import { isIpv6 } from '../net/address6.js';
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import type { TunnelEnds } from '../tunnel/carriers/carrier.js';
import { carrierDevices, carrierOf } from '../tunnel/carriers/table.js';
import { typeOf } from '../tunnel/types/table.js';
import { remotesOf, type Site } from '../tunnel/site/site.js';
import { type Finding, checkOf } from './finding.js';
import { type Fix, fixText, insertIptables, insertNft } from './fix.js';
import type { Arrival } from './input-nft.js';
import { judgeInput } from './input.js';
import type { Machine } from './machine.js';

/** UDP ports of IKE (RFC 7296 §2), and of ESP behind a NAT (RFC 3948). */
const IKE_PORTS = [500, 4500];

export function examineInput(machine: Machine, site: Site): Finding[] {
  const check = checkOf('site', 'input');
  const unread = [...machine.saves.values(), machine.nftJson].find((reading) => 'unknown' in reading);
  const found = arrivalsOf(site).flatMap((arrival) => {
    const what = `INPUT and ${textOf(arrival)}`;
    return judgeInput(machine, arrival).flatMap(({ where, end, by }): Finding[] => {
      if (end === 'accept') return [];
      if (end === 'depends') return [check.unknown(what, `${where}: whether it is let in depends: ${by}`)];
      return [check.wrong(what, `${where} drops it: ${by}`, { fix: opening(where, arrival), hint: SAVED })];
    });
  });
  if (isIpv6(site.local)) {
    const hint = 'ip6tables -S INPUT, and nft list ruleset: they have to let it in, fragments included';
    return [check.unknown('INPUT', 'rules for IPv6 are not judged here', { hint })];
  }
  if (unread !== undefined) return [...found, check.unread('INPUT', unread)];
  const arrivals = arrivalsOf(site).map(textOf).join(', ');
  return found.length > 0 || arrivals === '' ? found : [check.ok('INPUT', `lets ${arrivals} in`)];
}

/** What a plan says of the same, in words; nothing where it lets all in, or cannot be read. */
export function inputNotes(machine: Pick<Machine, 'saves' | 'nftJson' | 'nftText'>, site: Site): string[] {
  return arrivalsOf(site).flatMap((arrival) =>
    judgeInput(machine, arrival).flatMap(({ where, end, by }) => {
      if (end === 'accept') return [];
      if (end === 'depends') return [`whether ${where} lets ${textOf(arrival)} in depends: ${by}`];
      return [`${where} drops ${textOf(arrival)} (${by}): ${fixText(opening(where, arrival))}, and ${SAVED}`];
    }),
  );
}

const SAVED = 'add it to the firewall manager (ufw, firewalld) as well: a reload removes the rule';

/** What arrives first, and what comes out of it; ESP in transport mode passes INPUT twice. */
function arrivalsOf(site: Site): Arrival[] {
  const ends = carrierOf(site).ends();
  // Rules for IPv6 are not read, and what is bound to a VRF is opened from IPv6.
  if (isIpv6(site.local) || ends.dev !== undefined) return [];
  return remotesOf(site).flatMap((remote, i) => arrivalsFrom(site, remote, i === 0 ? ends : { ...ends, remote }));
}

function arrivalsFrom(site: Site, source: string, ends: TunnelEnds): Arrival[] {
  const { carrier, underlay: device, local: destination } = site;
  const outer = { source, destination, device };
  const { protocol, ports } = typeOf(site).flow();
  const inside: Arrival = {
    ...{ protocol, source: ends.remote, destination: ends.local },
    ...(ports === undefined ? {} : { port: ports.local }),
    device: carrierDevices(carrier)[0] ?? device,
    sealed: 'keys' in carrier,
  };
  if (!('keys' in carrier)) return [inside];
  const udp = (port: number): Arrival => ({ ...outer, protocol: 'udp', port });
  const ike = carrier.ike === undefined ? [] : IKE_PORTS.map(udp);
  const esp: Arrival = carrier.type === 'esp-in-udp' ? udp(carrier.port) : { ...outer, protocol: 'esp' };
  return [...ike, ...(ike.some(({ port }) => port === esp.port) ? [] : [esp]), inside];
}

function textOf({ protocol, port, source, device }: Arrival): string {
  const what = protocol === 'udp' ? `UDP ${port}` : protocol.toUpperCase();
  return `${what} from ${source} by ${device}`;
}

/** The rule before all others, in the tool of the chain. */
function opening(where: string, { protocol, port, source, device }: Arrival): Fix {
  const nft = /^nft (.+)$/.exec(where)?.[1];
  if (nft === undefined) {
    const ports = port === undefined ? [] : ['--dport', String(port)];
    const rule = ['-i', device, '-s', source, '-p', protocol, ...ports, '-j', 'ACCEPT'];
    return insertIptables(where.replace('INPUT of ', ''), 'INPUT', rule);
  }
  const name = protocol === 'l2tp' ? PROTOCOL_NUMBERS.l2tp : protocol;
  const match = port === undefined ? `ip protocol ${name}` : `udp dport ${port}`;
  return insertNft(nft, `iifname "${device}" ip saddr ${source} ${match} accept`);
}
