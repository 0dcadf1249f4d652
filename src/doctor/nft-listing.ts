/** What `nft -j list ruleset` says that the doctor wants: chains with their hooks, rules, flowtables. */
import * as z from 'zod';
import { readNftJson } from '../rules/nft-json.js';
import { type Machine, type Reading, known } from './machine.js';

export interface NftChain {
  family: string;
  table: string;
  name: string;
  /** forward, output, …; undefined for a chain that others jump to. */
  hook: string | undefined;
  policy: string | undefined;
}

export interface NftRule {
  family: string;
  table: string;
  chain: string;
  handle: number;
  comment: string | undefined;
  /** The hook of its chain, undefined when only jumps lead there. */
  hook: string | undefined;
  /** Expressions and statements as libnftables-json(5) has them. */
  parts: readonly Readonly<Record<string, unknown>>[];
  /** As `nft -a` prints it, without the handle; undefined when that was not read. */
  text: string | undefined;
}

interface Flowtable {
  family: string;
  table: string;
  name: string;
  devices: string[];
}

interface NftListing {
  chains: NftChain[];
  rules: NftRule[];
  flowtables: Flowtable[];
}

/** The ruleset of a machine; unknown as well when nft's listing is not the one of its manual. */
export function nftListing({ nftJson, nftText }: Pick<Machine, 'nftJson' | 'nftText'>): Reading<NftListing> {
  if ('unknown' in nftJson) return nftJson;
  try {
    return { known: readListing(nftJson.known, known(nftText) ?? '') };
  } catch {
    return { unknown: "nft's listing is not the JSON of libnftables-json(5)" };
  }
}

function readListing(json: string, text: string): NftListing {
  const nftables = readNftJson(json);
  const words = linesByHandle(text);
  const chains = nftables.flatMap(({ chain }) =>
    chain === undefined ? [] : [{ ...chain, hook: chain.hook, policy: chain.policy }],
  );
  const rules = nftables.flatMap(({ rule }) => {
    if (rule === undefined) return [];
    const { family, table, chain, handle } = rule;
    const home = chains.find((one) => one.family === family && one.table === table && one.name === chain);
    const key = `${family} ${table} ${chain} ${handle}`;
    return [{ ...rule, comment: rule.comment, hook: home?.hook, parts: rule.expr, text: words.get(key) }];
  });
  const flowtables = nftables.flatMap(({ flowtable }) =>
    flowtable === undefined ? [] : [{ ...flowtable, devices: [flowtable.dev ?? []].flat() }],
  );
  return { chains, rules, flowtables };
}

/** Rules as they can be typed again, by family, table, chain and handle. */
function linesByHandle(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let table = '';
  let chain = '';
  for (const line of text.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const [, rule, handle] = /^\t\t(.+) # handle (\d+)$/.exec(line) ?? [];
    if (rule !== undefined) found.set(`${table} ${chain} ${handle}`, rule);
  }
  return found;
}

/** `ip t c`: where a rule stands, as nft commands name it. */
export function placeOf({ family, table, chain }: Pick<NftRule, 'family' | 'table' | 'chain'>): string {
  return `${family} ${table} ${chain}`;
}

const deviceMatch = z.object({
  match: z.object({ op: z.string().default('=='), left: z.object({ meta: z.object({ key: z.string() }) }) }),
});
/** A name, with `*` behind it for all that begin so, or some of them; not a named set. */
const deviceNames = z.object({
  match: z.object({
    right: z.union([z.string().regex(/^[^@]/), z.object({ set: z.array(z.string()) }).transform(({ set }) => set)]),
  }),
});

/**
 * Devices that a rule's matches ask `oifname`, `iifname`, … to be.
 * @returns undefined where one is matched otherwise: by `!=`, a named set, a range
 */
export function devicesIn({ parts }: NftRule, ...keys: string[]): string[] | undefined {
  const devices: string[] = [];
  for (const part of parts) {
    const match = deviceMatch.safeParse(part).data?.match;
    if (match === undefined || !keys.includes(match.left.meta.key)) continue;
    const names = deviceNames.safeParse(part).data?.match.right;
    if (names === undefined || !['==', 'in'].includes(match.op)) return undefined;
    devices.push(...[names].flat());
  }
  return devices;
}

/** Whether a name is among those that a rule asks for: none asks for any. */
export function isAmong(name: string, devices: readonly string[]): boolean {
  // iptables writes + where nft writes *.
  const fits = (device: string) => (/[*+]$/.test(device) ? name.startsWith(device.slice(0, -1)) : device === name);
  return devices.length === 0 || devices.some(fits);
}

/** The fields of the IPv4 header that a rule writes, with what it writes there. */
export function ipWrites({ parts }: NftRule): { field: string; value: unknown }[] {
  const write = z.object({
    mangle: z.object({
      key: z.object({ payload: z.object({ protocol: z.literal('ip'), field: z.string() }) }),
      value: z.unknown(),
    }),
  });
  return parts.flatMap((part) => {
    const found = write.safeParse(part).data?.mangle;
    return found === undefined ? [] : [{ field: found.key.payload.field, value: found.value }];
  });
}
