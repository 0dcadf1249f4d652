/** What a trace shows of a packet. */
import type { Flow } from './flow.js';

export interface Header {
  source: string;
  destination: string;
  /** By name where it has one here: `icmp`, `gre`; else its number. */
  protocol: string;
  /** Bytes: IPv4's total length. */
  length: number;
  identification: number;
  /** What distinguishes one packet of a flow from the next: `echo-request id 819 seq 1`, `39822 > 4444`, `spi 0x1001 seq 3`. */
  detail: string;
  /** Undefined where the tracer did not say. */
  dontFragment: boolean | undefined;
  /** The addresses of the IPv4 packet in a GRE packet, where they were seen. */
  inner?: { source: string; destination: string } | undefined;
}

const ICMP: Record<string, string> = { '0': 'echo-reply', '3': 'destination-unreachable', '8': 'echo-request' };

/** `echo-request id 819 seq 1`; other types without. */
export function icmpDetail(type: string, id?: string | number, sequence?: string | number): string {
  const name = ICMP[type] ?? type;
  return name.startsWith('echo-') && id !== undefined ? `${name} id ${id} seq ${sequence}` : name;
}

/** What a packet is known by from hook to hook: a queue may give it another identification and clear its DF. */
export function identityOf({ source, destination, protocol, length, detail }: Header): string {
  return [source, destination, protocol, length, detail].join(' ');
}

/** Whether a packet is one of the flow, in either direction. */
export function isOf({ from, to }: Flow, { source, destination }: Pick<Header, 'source' | 'destination'>): boolean {
  return (source === from && destination === to) || (source === to && destination === from);
}
