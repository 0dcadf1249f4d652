/** What a tunnel's own packets are known by: to policies, to rules of a firewall, to IKE daemons. */
import { PROTOCOL_NUMBERS } from '../net/protocol.js';

export interface Flow {
  /** For people. */
  name: 'GRE' | 'L2TPv3' | 'VXLAN';
  protocol: 'gre' | 'l2tp' | 'udp';
  /** Of GRE. */
  key?: number | undefined;
  /** UDP ports: ours, and the other end's. */
  ports?: { local: number; remote: number };
  /**
   * What leaves comes from any port, and what arrives does: a VXLAN's source port is one of each flow's own. `srcport` does
   * not pin it: its last port is left out by 6.12, and used by 7.2 (`udp_flow_src_port`).
   */
  anySource?: boolean;
  /**
   * What nft compares in a packet for this very tunnel, one line for each way to it, whoever sends it and to whichever
   * address of this router; undefined where the device itself takes packets from its other end only.
   */
  arrivals?: readonly string[];
  /**
   * What nft compares in a packet of this very tunnel, whoever it is for; undefined where the device itself sends to its
   * other ends only.
   */
  departure?: string;
}

export type Direction = 'in' | 'out';

/** In the words of `ip xfrm policy`; by number where names want /etc/protocols. */
export function xfrmWords({ protocol, ports, anySource = false }: Flow, direction: Direction): string[] {
  if (protocol === 'gre') return ['proto', 'gre'];
  if (ports === undefined) return ['proto', `${PROTOCOL_NUMBERS[protocol]}`];
  // What arrives is to be ESP whatever port it claims to come from.
  const source = direction === 'in' || anySource ? [] : ['sport', `${ports.local}`];
  return ['proto', 'udp', ...source, 'dport', `${direction === 'in' ? ports.local : ports.remote}`];
}

/** What leaves for one other end, in the words of nft. */
export function nftWords({ protocol, ports }: Flow): string {
  if (ports === undefined) return `ip protocol ${PROTOCOL_NUMBERS[protocol]}`;
  return `udp sport ${ports.local} udp dport ${ports.remote}`;
}

/** What distinguishes it from another flow between the same two ends, in a key; GRE is known by its key. */
export function flowWord({ protocol, ports }: Flow): string {
  if (protocol === 'gre') return '';
  return ports === undefined ? ` ${protocol}` : ` ${protocol}/${ports.local}-${ports.remote}`;
}

/** For people: `GRE (protocol 47)`, `L2TPv3 (UDP 1701)`, `VXLAN (UDP from any port to 4789)`. */
export function flowText({ name, protocol, ports, anySource = false }: Flow): string {
  if (ports === undefined) return `${name} (protocol ${PROTOCOL_NUMBERS[protocol]})`;
  const { local, remote } = ports;
  if (anySource) return `${name} (UDP from any port to ${remote})`;
  return `${name} (UDP ${local === remote ? local : `${local} to ${remote}`})`;
}

/** As `ip xfrm policy` shows a selector. */
interface Selector {
  protocol?: string | undefined;
  ports?: { source: number; destination: number } | undefined;
}

/** Whether a selector is for this flow and nothing else, addresses apart. */
export function isFor({ protocol, ports }: Selector, flow: Flow, direction: Direction): boolean {
  if (protocol !== flow.protocol && protocol !== `${PROTOCOL_NUMBERS[flow.protocol]}`) return false;
  if (flow.ports === undefined) return true;
  const { local, remote } = flow.ports;
  if (direction === 'out') {
    return ports?.source === (flow.anySource === true ? 0 : local) && ports.destination === remote;
  }
  return ports?.destination === local && (ports.source === 0 || ports.source === remote);
}
