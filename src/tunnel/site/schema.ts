/** The shape of a site file: its keys, their accepted forms and defaults. */
import * as z from 'zod';
import { FANOUTS } from '../../rules/spec.js';
import { CARRIER_MAPS, CARRIERS, isCarrierType, REFUSED_CARRIERS } from './carriers.js';
import { BRIDGE_HOOKS, type CarrierSpec, ENGINES, FRAGMENTS } from './site.js';
import { device, end, instance, type LeafRefusal, metrics, mtu, newDevice, queues, truth, word } from './values.js';
import { IDENTIFICATION_POLICIES } from '../enums.js';
import { tunnelSchema as tunnel } from './tunnel.js';

const bridge = z.strictObject({
  name: newDevice.default('br0').describe('made when it is not there; an existing bridge is used'),
  ports: z.array(device).min(1).describe('towards the hosts; one that carries the default route is refused'),
  'move-addresses': truth
    .default(false)
    .describe('addresses and routes of the ports go to the bridge; without it, a port with addresses is refused'),
});

/** `carrier: WORD` is short for `carrier: { type: WORD }`. */
const carrier = z.unknown().transform((given, context): CarrierSpec => {
  const { type, ...rest } = typeof given === 'object' ? { ...given } : { type: given };
  if (!isCarrierType(type)) {
    const known = typeof type === 'string' ? REFUSED_CARRIERS[type.toLowerCase()] : undefined;
    const params = { accepted: Object.keys(CARRIERS).join(' or '), ...known } satisfies LeafRefusal;
    context.addIssue({ code: 'custom', path: typeof given === 'object' ? ['type'] : [], params });
    return z.NEVER;
  }
  const read = CARRIERS[type].safeParse(rest);
  if (read.success) return read.data;
  for (const issue of read.error.issues) context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
  return z.NEVER;
});

/** Engines of earlier versions. */
const WITHDRAWN: Readonly<Record<string, Partial<LeafRefusal>>> = {
  nft: {
    because:
      'engine nft was withdrawn (no effect on kernel 7.2, repeating identifications); write engine: bpf, which does the ' +
      'same work in the kernel',
  },
};

/** Keys in the order in which examples and refusals list them. */
export const siteSchema = z.strictObject({
  name: instance
    .optional()
    .describe("the tunnel's name, in firewall comments, journal and unit; the file's without .yaml unless given"),
  local: end.describe(
    'outer address of this router; tunnel.type l2tp: IPv4 or IPv6; auto, with carrier plain: the one towards remote',
  ),
  remote: end
    .optional()
    .describe(
      'outer address of the other router, outside of the bridged network; or its name, with carrier plain. It has to be there, but for remotes',
    ),
  remotes: z
    .array(end)
    .min(1)
    .optional()
    .describe('tunnel.type vxlan, in place of remote: outer addresses, or names, of all other routers'),
  underlay: device.describe('towards the other router'),
  'path-mtu': mtu
    .optional()
    .describe(
      'tunnel.type l2tp, or fragment: inner: what the path carries, where it is less than the MTU of underlay. For l2tp up ' +
        'makes a route with it, without which the kernel cuts to the MTU of underlay and all is lost over IPv6',
    ),
  mtu: mtu.default(1500).describe('largest IP packet that hosts send'),
  bridge,
  tunnel: tunnel.prefault({}),
  carrier: carrier
    .default({ type: 'plain' })
    .describe(
      'what carries the tunnel to the other end: its type, or a map; types l2tp and vxlan go by plain, esp and esp-in-udp',
    ),
  engine: word(['auto', ...ENGINES], WITHDRAWN)
    .default('auto')
    .describe('who makes the full-size frame fit: auto takes the first that works here'),
  fragment: word(FRAGMENTS)
    .default('outer')
    .describe(
      'what is cut where a packet does not fit: outer, the packet around it, which the other router joins; inner, the ' +
        "host's own, before the tunnel, for paths that lose fragments: hosts join the pieces",
    ),
  hook: word(['auto', ...BRIDGE_HOOKS])
    .default('auto')
    .describe('with a queue only: how frames reach it'),
  queue: queues
    .default({ first: 0, last: 0 })
    .describe('of engine nfqueue; given with engine bpf: a queue behind the program'),
  fanout: word(FANOUTS)
    .default('hash')
    .describe('with several queues, how frames spread over them: by their addresses, or by the CPU that they are on'),
  identification: word(IDENTIFICATION_POLICIES)
    .default('random')
    .describe('of packets that become fragmentable; engines bpf and nfqueue'),
  metrics: metrics.default('127.0.0.1:9857').describe('where the process with the queue serves counters'),
});

/** The keys that the map at a path may have; undefined where no map belongs. */
export function keysAt(path: string, carrierType: unknown): string[] | undefined {
  if (path === 'carrier')
    return ['type', ...(isCarrierType(carrierType) ? Object.keys(CARRIERS[carrierType].in.shape) : [])];
  if (path.startsWith('carrier.')) {
    const inside = CARRIER_MAPS[path.slice('carrier.'.length)];
    return inside && Object.keys(inside.shape);
  }
  const maps: Record<string, { shape: object }> = { '': siteSchema, bridge, tunnel };
  return maps[path] && Object.keys(maps[path].shape);
}

/** The accepted form of the lists. */
export function listAt(path: string): string | undefined {
  if (path === 'bridge.ports') return 'a list of at least one device: [eth0]';
  if (path === 'remotes') return 'a list of addresses, one for each other router: [192.0.2.1, 192.0.2.2]';
  if (path === 'carrier.segments') return 'a list of IPv6 addresses, the other end last: [fc00:b::100]';
  return undefined;
}
