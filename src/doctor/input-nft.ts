/** Rules of nft as they are walked by `input.ts`: whether they fit a packet, and where they lead. */
import * as z from 'zod';
import { isInPrefix } from '../net/address.js';
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import { isAmong } from './nft-listing.js';

/** A packet that begins a connection, as far as rules ask for it. */
export interface Arrival {
  protocol: 'gre' | 'esp' | 'udp' | 'l2tp';
  /** Of UDP. */
  port?: number;
  source: string;
  destination: string;
  device: string;
  /** It has come out of ESP. */
  sealed?: boolean;
}

export type Fit = 'yes' | 'no' | 'maybe';

export type Verdict = { kind: 'accept' | 'drop' | 'return' | 'next' } | { kind: 'jump' | 'goto'; chain: string };

type Parts = readonly Readonly<Record<string, unknown>>[];

const target = z.object({ target: z.string() });
const stateMap = z.object({
  key: z.object({ ct: z.object({ key: z.literal('state') }) }),
  data: z.object({ set: z.array(z.tuple([z.unknown(), z.record(z.string(), z.unknown())])) }),
});
const match = z.object({
  op: z.string(),
  left: z.union([
    z.object({ meta: z.object({ key: z.string() }) }),
    z.object({ ct: z.object({ key: z.string() }) }),
    z.object({ payload: z.object({ protocol: z.string(), field: z.string() }) }),
  ]),
  right: z.unknown(),
});

/** Where a rule leads. @returns known: false where it holds a map that is not understood here */
export function verdictOf(parts: Parts): { act: Verdict; known: boolean } {
  for (const part of parts) {
    if ('vmap' in part) return ofStateMap(part['vmap']);
    const act = plain(part);
    if (act !== undefined) return { act, known: true };
  }
  return { act: { kind: 'next' }, known: true };
}

function plain(part: Readonly<Record<string, unknown>>): Verdict | undefined {
  if ('accept' in part) return { kind: 'accept' };
  if ('drop' in part || 'reject' in part) return { kind: 'drop' };
  if ('return' in part) return { kind: 'return' };
  for (const kind of ['jump', 'goto'] as const) {
    const to = target.safeParse(part[kind]).data?.target;
    if (to !== undefined) return { kind, chain: to };
  }
  return undefined;
}

/** `ct state vmap { established : accept, new : jump … }` */
function ofStateMap(vmap: unknown): { act: Verdict; known: boolean } {
  const read = stateMap.safeParse(vmap).data;
  // Any of its targets is possible.
  if (read === undefined) return { act: { kind: 'accept' }, known: false };
  const fresh = read.data.set.find(([key]) => key === 'new');
  return { act: (fresh && plain(fresh[1])) ?? { kind: 'next' }, known: true };
}

/** Whether every match of a rule fits. */
export function fitOfMatches(parts: Parts, arrival: Arrival): Fit {
  const fits = parts.flatMap((part): Fit[] => {
    if ('xt' in part) return ['maybe'];
    return 'match' in part ? [fitOf(part['match'], arrival)] : [];
  });
  return fits.includes('no') ? 'no' : fits.includes('maybe') ? 'maybe' : 'yes';
}

function fitOf(part: unknown, arrival: Arrival): Fit {
  const read = match.safeParse(part).data;
  if (read === undefined) return 'maybe';
  const values = valuesOf(read.right);
  const fits = values && anyFits(read.left, values, arrival);
  if (fits === undefined) return 'maybe';
  if (read.op === '!=') return fits ? 'no' : 'yes';
  return read.op === '==' || read.op === 'in' ? (fits ? 'yes' : 'no') : 'maybe';
}

/** Single values, of which one is enough; undefined for a named set and the like. */
function valuesOf(right: unknown): unknown[] | undefined {
  if (typeof right === 'string') return right.startsWith('@') ? undefined : [right];
  if (Array.isArray(right)) return right as unknown[];
  if (typeof right !== 'object' || right === null) return [right];
  return 'set' in right && Array.isArray(right.set) ? (right.set as unknown[]) : [right];
}

function anyFits(
  left: z.infer<typeof match>['left'],
  values: readonly unknown[],
  { protocol, port = 0, source, destination, device, sealed = false }: Arrival,
): boolean | undefined {
  const isOne = (...names: (string | number)[]) => values.some((value) => names.includes(value as string | number));
  if ('ct' in left) return left.ct.key === 'state' ? isOne('new') : undefined;
  if ('meta' in left) {
    if (left.meta.key === 'iifname' || left.meta.key === 'iif') return isAmong(device, values.map(String));
    if (left.meta.key === 'l4proto') return isOne(protocol, PROTOCOL_NUMBERS[protocol]);
    if (left.meta.key === 'ipsec' || left.meta.key === 'secpath') return values.includes(sealed);
    return left.meta.key === 'nfproto' ? isOne('ipv4', 2) : undefined;
  }
  const { protocol: header, field } = left.payload;
  if (header === 'ip' && field === 'protocol') return isOne(protocol, PROTOCOL_NUMBERS[protocol]);
  if (header === 'ip' && field === 'saddr') return inPrefixes(source, values);
  if (header === 'ip' && field === 'daddr') return inPrefixes(destination, values);
  if (header === 'ip6' || header === 'icmp' || header === 'icmpv6' || header === 'tcp') return false;
  if ((header === 'udp' || header === 'th') && field === 'dport') {
    return protocol === 'udp' && values.some((value) => value === port || isInRange(port, value));
  }
  return undefined;
}

const prefix = z.object({ prefix: z.object({ addr: z.string(), len: z.number() }) });
const range = z.object({ range: z.tuple([z.number(), z.number()]) });

function inPrefixes(address: string, values: readonly unknown[]): boolean | undefined {
  const texts = values.map((value) => {
    const read = prefix.safeParse(value).data?.prefix;
    return read === undefined ? value : `${read.addr}/${read.len}`;
  });
  if (!texts.every((text) => typeof text === 'string')) return undefined;
  return texts.some((text) => isInPrefix(address, text.includes('/') ? text : `${text}/32`));
}

function isInRange(port: number, value: unknown): boolean {
  const read = range.safeParse(value).data?.range;
  return read !== undefined && port >= read[0] && port <= read[1];
}
