/**
 * The machine as it was before the first change, kept in the journal: a plan is always made from that, whatever a run
 * that was interrupted has left half done. What has changed since, away from the tunnel's own devices, counts as it is.
 */
import * as z from 'zod';
import type { Facts, Link } from '../../tunnel/facts.js';
import { devicesOf, type Subject } from '../facts.js';

const answer = z.enum(['yes', 'no', 'unknown']);

const address = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  prefix: z.string(),
  scope: z.string(),
  words: z.array(z.string()).optional(),
  dynamic: z.boolean(),
});

const link = z.object({
  name: z.string(),
  mtu: z.number(),
  up: z.boolean(),
  master: z.string().optional(),
  kind: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
  addresses: z.array(address),
  fallback: z.boolean(),
});

const route = z.object({
  destination: z.string(),
  via: z.string().optional(),
  dev: z.string(),
  protocol: z.string(),
  words: z.array(z.string()),
});

const mark = z.object({ value: z.number(), mask: z.number() }).optional();

const tableRoute = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  table: z.string(),
  destination: z.string(),
  via: z.string().optional(),
  dev: z.string(),
  type: z.string().optional(),
  words: z.array(z.string()),
});

const rule = z.object({
  family: z.union([z.literal(4), z.literal(6)]),
  preference: z.number(),
  words: z.array(z.string()),
});

export const snapshotSchema = z.object({
  links: z.array(link),
  routes: z.array(route),
  tableRoutes: z.array(tableRoute).default([]),
  rules: z.array(rule).default([]),
  tunsrc: z.string().optional(),
  path: z
    .object({ dev: z.string(), mtu: z.number(), source: z.string().optional(), via: z.string().optional() })
    .optional(),
  covering: z.object({ dev: z.string(), table: z.string(), length: z.number() }).optional(),
  modules: z.array(z.string()),
  sysctls: z.record(z.string(), z.string()),
  states: z.array(
    z.object({
      source: z.string(),
      destination: z.string(),
      protocol: z.string(),
      spi: z.number(),
      mode: z.string(),
      reqid: z.number(),
      mark,
      ifId: z.number().optional(),
      outputMark: mark,
      bothFamilies: z.boolean().optional(),
      encap: z.object({ source: z.number(), destination: z.number() }).optional(),
    }),
  ),
  policies: z.array(
    z.object({
      direction: z.string(),
      source: z.string(),
      destination: z.string(),
      protocol: z.string().optional(),
      icmp: z.object({ type: z.number(), code: z.number() }).optional(),
      greKey: z.number().optional(),
      dev: z.string().optional(),
      blocks: z.boolean().optional(),
      mode: z.string(),
      reqid: z.number(),
      transform: z.string(),
      mark,
      ifId: z.number().optional(),
    }),
  ),
  tables: z.array(z.string()).optional(),
  can: z.object({
    ignoreDf: answer,
    bridgeQueue: answer,
    nftBridgeQueue: answer,
    nftClearsDf: answer,
    endDt4: answer.optional(),
  }),
  evidence: z.record(z.string(), z.string()).optional(),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** Facts as the journal keeps them. Digests of keys stay out: they are of no use to a plan. */
export function snapshotOf(facts: Facts): Snapshot {
  return snapshotSchema.parse({
    ...facts,
    modules: [...facts.modules],
    sysctls: Object.fromEntries(facts.sysctls),
    states: facts.states,
  });
}

/**
 * Facts of the journal and of now as one: what a plan is made from while a tunnel is up, or half up.
 * @param able whose answers count instead of those of the journal: the site asks other questions by now
 */
export function originOf(kept: Snapshot, now: Facts, subject: Subject, able?: Pick<Facts, 'can' | 'evidence'>): Facts {
  const { can, evidence } = able ?? kept;
  const ours = new Set(devicesOf(subject).filter((name) => name !== subject.underlay));
  const still = new Set(now.links.map(({ name }) => name));
  const pathIsOurs = now.path === undefined || ours.has(now.path.dev);
  return {
    kernel: now.kernel,
    links: [
      ...now.links.filter(({ name }) => !ours.has(name)),
      ...kept.links.filter(({ name }) => ours.has(name) && still.has(name)).map(asLink),
    ],
    routes: [
      ...now.routes.filter(({ dev }) => !ours.has(dev)),
      ...kept.routes.filter(({ dev }) => ours.has(dev)).map((one) => ({ ...one, via: one.via })),
    ],
    tableRoutes: kept.tableRoutes.map((one) => ({ ...one, via: one.via })),
    rules: kept.rules,
    tunsrc: kept.tunsrc,
    path: pathIsOurs ? asPath(kept.path) : now.path,
    // While the device is away another one leads there.
    covering: now.covering?.dev === subject.underlay ? now.covering : kept.covering,
    modules: new Set(kept.modules),
    sysctls: new Map(Object.entries(kept.sysctls)),
    states: kept.states.map((one) => ({ ...one, digest: '' })),
    policies: kept.policies.map((one) => ({ ...one, protocol: one.protocol })),
    tables: kept.tables,
    ike: now.ike,
    can,
    ...(evidence === undefined ? {} : { evidence }),
  };
}

/** A device as the journal keeps it. */
export function asLink(one: Snapshot['links'][number]): Link {
  const addresses = one.addresses.map(({ words, ...rest }) => (words === undefined ? rest : { ...rest, words }));
  return { ...one, master: one.master, kind: one.kind, addresses };
}

function asPath(path: Snapshot['path']): Facts['path'] {
  return path === undefined ? undefined : { ...path, source: path.source, via: path.via };
}
