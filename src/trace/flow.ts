/** What is traced: a flow, and the outer packets that carry it. */

export const FLOW_PROTOCOLS = ['icmp', 'tcp', 'udp', 'gre', 'esp'] as const;
export type FlowProtocol = (typeof FLOW_PROTOCOLS)[number];

/** Packets between two hosts, in both directions. */
export interface Flow {
  /** Dotted. */
  from: string;
  to: string;
  /** Undefined: every protocol. */
  protocol: FlowProtocol | undefined;
  /** Of TCP or UDP, on either side. */
  port: number | undefined;
}

/** A tunnel device of this machine, by the ends of its outer header. */
export interface TunnelEnds {
  name: string;
  local: string;
  remote: string;
  /** Bytes that it puts around an IPv4 packet of the flow: 38 for a gretap without key. */
  overhead: number;
  /** Bytes that fit through to the other end, as the route says; undefined when it is not known. */
  pathMtu: number | undefined;
}

/** How the flow is named in messages and headings. */
export function flowText({ from, to, protocol, port }: Flow): string {
  return [`${from} <-> ${to}`, protocol, port === undefined ? undefined : `port ${port}`].filter(Boolean).join(' ');
}
