/** What is so on the machine, as far as a tunnel is concerned: read here, judged in `src/tunnel`. */
import { release } from 'node:os';
import type { CarrierFact } from '../tunnel/carriers/carrier.js';
import { carrierAsks, carrierDevices, pathOf } from '../tunnel/carriers/table.js';
import type { Facts } from '../tunnel/facts.js';
import type { Site } from '../tunnel/site/site.js';
import type { Runner } from './exec.js';
import { readIke } from './facts/ike.js';
import { readLinks } from './facts/links.js';
import { readModules } from './facts/modules.js';
import { readCovering, readDefaults6, readPath, readRoutes } from './facts/routes.js';
import { readRules } from './facts/rules.js';
import { readSysctls } from './facts/sysctls.js';
import { readTableRoutes } from './facts/table-routes.js';
import { readTables } from './facts/tables.js';
import { readTunsrc } from './facts/tunsrc.js';
import { readXfrm } from './facts/xfrm.js';
import { type Abilities, probe, questionsOf } from './probes.js';

/** Parts of the facts that are read apart from each other. */
export const SECTIONS = ['links', 'routes', 'modules', 'sysctls', 'xfrm', 'tables', 'ike'] as const;
export type Section = (typeof SECTIONS)[number];

/** What a reading is about: a site, or as much of one as is known. */
export type Subject = Pick<Site, 'name' | 'local' | 'remote' | 'underlay' | 'bridge' | 'tunnel' | 'engine' | 'carrier'>;

/**
 * Everything that is so, and what the machine can do. Changes nothing that outlasts the reading.
 * @param subject the site that it is for; without one there is no route to a remote, and every ability is tried
 * @param can the abilities, where they are known already; trying them takes longer than all the rest
 * @throws ClearDfError ENVIRONMENT without iproute2
 */
export async function readFacts(runner: Runner, subject?: Subject, can?: Abilities): Promise<Facts> {
  // The modules come first: trying things may load some.
  const modules = readModules();
  const [links, xfrm, tables, ike] = await Promise.all([
    readLinks(runner),
    readXfrm(runner),
    readTables(runner),
    readIke(runner, subject),
  ]);
  const base = {
    kernel: release(),
    links,
    ...(await ways(runner, links, subject)),
    modules,
    sysctls: readSysctls(devicesOf(subject)),
    ...xfrm,
    tables,
    ike,
  };
  const { answers, evidence } =
    can ?? (await probe(runner, modules, questionsOf(subject?.engine, subject?.carrier.type)));
  return { ...base, can: answers, evidence };
}

/** The same facts with some of their parts read anew. */
export async function rereadFacts(
  runner: Runner,
  known: Facts,
  subject: Subject | undefined,
  sections: ReadonlySet<Section>,
): Promise<Facts> {
  const has = (section: Section) => sections.has(section);
  const [links, xfrm, tables, ike] = await Promise.all([
    has('links') ? readLinks(runner) : known.links,
    has('xfrm') ? readXfrm(runner) : { states: known.states, policies: known.policies },
    has('tables') ? readTables(runner) : known.tables,
    has('ike') ? readIke(runner, subject) : known.ike,
  ]);
  return {
    ...known,
    links,
    ...(has('routes') ? await ways(runner, links, subject) : {}),
    modules: has('modules') ? readModules() : known.modules,
    sysctls: has('sysctls') ? readSysctls(devicesOf(subject)) : known.sysctls,
    ...xfrm,
    tables,
    ike,
  };
}

async function ways(
  runner: Runner,
  links: Facts['links'],
  subject: Subject | undefined,
): Promise<Pick<Facts, 'routes' | 'defaults6' | 'tableRoutes' | 'rules' | 'path' | 'covering' | 'tunsrc'>> {
  const way = subject && pathOf(subject);
  const asks = (fact: CarrierFact) => carrierAsks(subject?.carrier.type, fact);
  const [routes, defaults6, tableRoutes, rules, path, covering, tunsrc] = await Promise.all([
    readRoutes(runner),
    readDefaults6(runner),
    readTableRoutes(runner),
    readRules(runner),
    way && readPath(runner, way.to, links, way.from),
    subject && asks('covering') ? readCovering(runner, subject.remote, subject.local) : undefined,
    asks('tunsrc') ? readTunsrc(runner) : undefined,
  ]);
  return { routes, defaults6, tableRoutes, rules, path, covering, tunsrc };
}

/** The devices that a site names. */
export function devicesOf(subject: Subject | undefined): string[] {
  if (subject === undefined) return [];
  const { underlay, bridge, tunnel, carrier } = subject;
  return [underlay, bridge.name, ...bridge.ports, tunnel.name, ...carrierDevices(carrier)];
}
