/** The shape of a site file: its keys, their accepted forms and defaults. */
import * as z from 'zod';
import { FANOUTS } from '../../rules/spec.js';
import { CARRIER_MAPS, CARRIERS, isCarrierType, REFUSED_CARRIERS } from './carriers.js';
import { BRIDGE_HOOKS, type CarrierSpec, ENGINES } from './site.js';
import {
  device,
  host,
  instance,
  type LeafRefusal,
  metrics,
  mtu,
  newDevice,
  queues,
  truth,
  ttl,
  whole,
  word,
} from './values.js';
import { IDENTIFICATION_POLICIES } from '../enums.js';

const bridge = z.strictObject({
  name: newDevice.default('br0'),
  ports: z.array(device).min(1),
  'move-addresses': truth.default(false),
});

const tunnel = z.strictObject({
  name: newDevice.default('gretap1'),
  key: whole(0, 0xffff_ffff, 'a GRE key').optional(),
  pmtudisc: truth.default(false),
  ttl: ttl.optional(),
  match: word(['gre', 'esp']).default('gre'),
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
  name: instance.optional(),
  local: host,
  remote: host,
  underlay: device,
  mtu: mtu.default(1500),
  bridge,
  tunnel: tunnel.prefault({}),
  carrier: carrier.default({ type: 'plain' }),
  engine: word(['auto', ...ENGINES], WITHDRAWN).default('auto'),
  hook: word(['auto', ...BRIDGE_HOOKS]).default('auto'),
  queue: queues.default({ first: 0, last: 0 }),
  fanout: word(FANOUTS).default('hash'),
  identification: word(IDENTIFICATION_POLICIES).default('random'),
  metrics: metrics.default('127.0.0.1:9857'),
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
