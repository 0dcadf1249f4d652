/** Devices with their addresses, from `ip -d -j address show`. */
import * as z from 'zod';
import type { Address, Link } from '../../tunnel/facts.js';
import type { Runner } from '../exec.js';
import { readList } from './json.js';

const address = z.object({
  family: z.string(),
  local: z.string().optional(),
  /** The other end, where there is one. */
  address: z.string().optional(),
  broadcast: z.string().optional(),
  label: z.string().optional(),
  metric: z.number().optional(),
  noprefixroute: z.boolean().default(false),
  nodad: z.boolean().default(false),
  prefixlen: z.number(),
  scope: z.string().default('global'),
  dynamic: z.boolean().default(false),
});

const link = z.object({
  ifname: z.string(),
  flags: z.array(z.string()).default([]),
  mtu: z.number(),
  master: z.string().optional(),
  linkinfo: z
    .object({ info_kind: z.string().optional(), info_data: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  addr_info: z.array(address).default([]),
});

/** iproute2 prints an empty object in the place of what it leaves out. */
const entry = z.union([link, z.strictObject({})]);

/** Devices that the kernel makes in every network namespace when the module of their kind is loaded. */
const FALLBACKS: Record<string, string> = {
  gre0: 'gre',
  gretap0: 'gretap',
  erspan0: 'erspan',
  ip6gre0: 'ip6gre',
  ip6tnl0: 'ip6tnl',
  tunl0: 'ipip',
  sit0: 'sit',
  ip_vti0: 'vti',
  ip6_vti0: 'vti6',
};

const COMMAND = ['-d', '-j', 'address', 'show'];

/**
 * Every device of this network namespace.
 * @throws ClearDfError ENVIRONMENT without iproute2
 */
export async function readLinks(runner: Runner): Promise<Link[]> {
  return parseLinks(await runner.query('ip', COMMAND));
}

/** What `ip -d -j address show` printed. @throws ClearDfError ENVIRONMENT when it is not its JSON */
export function parseLinks(text: string): Link[] {
  return readList(entry, text, `ip ${COMMAND.join(' ')}`).items.flatMap((one) => {
    if (!('ifname' in one)) return [];
    const kind = one.linkinfo?.info_kind;
    return {
      name: one.ifname,
      mtu: one.mtu,
      up: one.flags.includes('UP'),
      master: one.master,
      kind,
      data: one.linkinfo?.info_data ?? {},
      addresses: one.addr_info.flatMap((address) => addressOf(address, one.ifname)),
      fallback: kind !== undefined && FALLBACKS[one.ifname] === kind,
    };
  });
}

function addressOf(listed: z.infer<typeof address>, device: string): Address[] {
  const { family, local, prefixlen, scope, dynamic } = listed;
  if (local === undefined || (family !== 'inet' && family !== 'inet6')) return [];
  const prefix = `${local}/${prefixlen}`;
  return [{ family: family === 'inet' ? 4 : 6, prefix, scope, words: wordsOf(listed, device), dynamic }];
}

/** As `ip address add` takes them. */
function wordsOf(listed: z.infer<typeof address>, device: string): string[] {
  const { address: peer, broadcast, label, metric, prefixlen, scope, noprefixroute, nodad } = listed;
  return [
    ...(peer === undefined ? [] : ['peer', `${peer}/${prefixlen}`]),
    ...(broadcast === undefined ? [] : ['broadcast', broadcast]),
    ...(scope === 'global' ? [] : ['scope', scope]),
    ...(label === undefined || label === device ? [] : ['label', label]),
    ...(metric === undefined ? [] : ['metric', String(metric)]),
    ...(noprefixroute ? ['noprefixroute'] : []),
    ...(nodad ? ['nodad'] : []),
  ];
}
