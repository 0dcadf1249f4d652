/**
 * The nft tables of a trace. Each has a chain at every hook, in front of everybody else's, which marks the packets
 * (`meta nftrace set 1`) and, once they are marked, tells that they pass: so every hook shows, whatever tables are
 * there. The mark is a bit of the packet that iptables-legacy's tables heed, too (ipt_do_table, skb->nf_trace).
 *
 * A tunnel device clears the bit (iptunnel_xmit, skb_scrub_packet): its outer packets are marked again, at OUTPUT and
 * PREROUTING. IPsec keeps it.
 */
import ipaddr from 'ipaddr.js';
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import type { Flow } from './flow.js';
import { tableOf, tagOf, type Tracer } from './tag.js';

export const MARKED_FAMILIES = ['bridge', 'ip'] as const;
export type MarkedFamily = (typeof MARKED_FAMILIES)[number];
export const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
export type Hook = (typeof HOOKS)[number];

/** Behind the reassembly of connection tracking (-400), in front of raw (-300) and of ebtables' nat (-300). */
export const PRIORITY = -310;

/** What a rule of ours says when it matches; the last word of its comment. */
export const ROLES = ['flow', 'outer', 'esp', 'df'] as const;
export type Role = (typeof ROLES)[number];

/** What it means that a rule of one of our tables has matched. */
export function roleOf(rule: string): Role | undefined {
  return ROLES.find((role) => new RegExp(`comment "clear-df-trace:[\\d-]+ ${role}"`).test(rule));
}

/** The transaction that starts the trace. */
export function markText(tracer: Tracer, flow: Flow, families: readonly MarkedFamily[] = MARKED_FAMILIES): string {
  const mark = (match: string, role: Role) => `${match} meta nftrace set 1 comment "${tagOf(tracer)} ${role}"`;
  const own = flowMatches(flow).map((match) => mark(match, 'flow'));
  const outer = carried(flow).map((match) => mark(match, 'outer'));
  // What is in it shows when it is decrypted: the packet is still the same one then, and still marked.
  const encrypted = [`ip protocol ${PROTOCOL_NUMBERS.esp}`, 'udp dport 4500'].map((match) => mark(match, 'esp'));
  const rules = (family: string, hook: Hook): string[] => {
    if (family === 'bridge') return own;
    if (hook === 'prerouting') return [...own, ...outer, ...encrypted];
    return hook === 'output' ? [...own, ...outer] : own;
  };
  const tables = families.flatMap((family) => [
    `table ${family} ${tableOf(tracer)} {`,
    ...HOOKS.flatMap((hook) => [
      `  chain ${hook} {`,
      `    type filter hook ${hook} priority ${PRIORITY}; policy accept;`,
      ...[...rules(family, hook), `ip frag-off & 0x4000 != 0 continue comment "${tagOf(tracer)} df"`].map(
        (line) => `    ${line}`,
      ),
      '  }',
    ]),
    '}',
  ]);
  return [...tables, ''].join('\n');
}

/** The transaction that ends it. */
export function unmarkText(tracer: Tracer, families: readonly string[]): string {
  return [...families.map((family) => `delete table ${family} ${tableOf(tracer)}`), ''].join('\n');
}

function flowMatches({ from, to, protocol, port }: Flow): string[] {
  const directions = [
    [from, to],
    [to, from],
  ].map(([source, destination]) => `ip saddr ${source} ip daddr ${destination}`);
  if (protocol === undefined) return directions;
  const number = { icmp: 1, ...PROTOCOL_NUMBERS }[protocol];
  if (port === undefined) return directions.map((match) => `${match} ip protocol ${number}`);
  return directions.flatMap((match) =>
    ['sport', 'dport'].map((side) => `${match} ip protocol ${number} ${protocol} ${side} ${port}`),
  );
}

/** Bits in front of the inner IPv4 addresses in a GRE packet: GRE 4 bytes, Ethernet 14, IPv4 12. */
const INNER_SOURCE = 8 * (4 + 14 + 12);
/** GRE flags (RFC 2784, 2890): nothing, or a key, which takes 4 bytes more. */
const GRE_FORMS = [
  { flags: 0x0000, bits: 0 },
  { flags: 0x2000, bits: 32 },
];

/** GRE that carries frames of the flow, by the addresses in them. */
function carried({ from, to }: Flow): string[] {
  const hex = (address: string) => `0x${Buffer.from(ipaddr.IPv4.parse(address).toByteArray()).toString('hex')}`;
  const [one, other] = [hex(from), hex(to)];
  return GRE_FORMS.flatMap(({ flags, bits }) =>
    [
      [one, other],
      [other, one],
    ].map(([source, destination]) => {
      const at = INNER_SOURCE + bits;
      const inner = `@th,${at},32 ${source} @th,${at + 32},32 ${destination}`;
      return `ip protocol ${PROTOCOL_NUMBERS.gre} @th,0,16 0x${flags.toString(16).padStart(4, '0')} ${inner}`;
    }),
  );
}
