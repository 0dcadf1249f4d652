/** What is so on the machine, as far as a tunnel is concerned: read here, judged in `src/tunnel`. */
import { release } from 'node:os';
import { carrierAsks, carrierDevices, pathOf } from '../tunnel/carriers/table.js';
import type { Facts } from '../tunnel/facts.js';
import { kindAsks } from '../tunnel/kinds/table.js';
import type { Site } from '../tunnel/site/site.js';
import type { Runner } from './exec.js';
import { readFastPath } from './read/fast-path.js';
import { readFdb } from './read/fdb.js';
import { readIke } from './read/ike.js';
import { readL2tp } from './read/l2tp.js';
import { readLinks } from './read/links.js';
import { readModules } from './read/modules.js';
import { readCovering, readPath } from './read/path.js';
import { readRoutes, readRules, readTunsrc } from './read/routes.js';
import { readSysctls } from './read/sysctls.js';
import { readTables } from './read/nft.js';
import { readXfrm } from './read/xfrm.js';
import { type Abilities, probe, questionsOf } from './probes.js';

/** Parts of the facts that are read apart from each other. */
export const SECTIONS = [
  ...(['links', 'routes', 'paths', 'rules', 'tunsrc'] as const),
  ...(['modules', 'sysctls', 'xfrm', 'tables', 'ike', 'fast-path', 'l2tp', 'fdb'] as const),
];
export type Section = (typeof SECTIONS)[number];

/** What a reading is about: a site, or as much of one as is known. */
export type Subject = Pick<
  Site,
  'name' | 'local' | 'remote' | 'moreRemotes' | 'underlay' | 'bridge' | 'tunnel' | 'engine' | 'carrier'
>;

/**
 * Everything that is so, and what the machine can do. Changes nothing that outlasts the reading.
 * @param subject the site that it is for; without one there is no route to a remote, and every ability is tried
 * @param can the abilities, where they are known already; trying them takes longer than all the rest
 * @throws ClearDfError ENVIRONMENT without iproute2
 */
export async function readFacts(runner: Runner, subject?: Subject, can?: Abilities): Promise<Facts> {
  // The modules come first: trying things may load some.
  const modules = readModules();
  const [devices, routes, rules, tunsrc, xfrm, tables, ike, l2tp] = await Promise.all([
    readLinks(runner),
    readRoutes(runner),
    readRules(runner),
    tunsrcOf(runner, subject),
    readXfrm(runner),
    readTables(runner),
    readIke(runner, subject, true),
    l2tpOf(runner, modules, subject),
  ]);
  const { links } = devices;
  const base = {
    kernel: release(),
    ...devices,
    ...routes,
    ...(await paths(runner, links, subject)),
    ...{ rules, tunsrc },
    modules,
    sysctls: readSysctls(devicesOf(subject)),
    ...xfrm,
    tables,
    ike,
    l2tp,
    fdb: await fdbOf(runner, links, subject),
    fastPath: await readFastPath(subject),
  };
  const { answers, evidence } = can ?? (await probe(runner, modules, questionsOf(subject)));
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
  const modules = has('modules') ? readModules() : known.modules;
  const [devices, routes, rules, tunsrc, xfrm, tables, ike, l2tp] = await Promise.all([
    has('links') ? readLinks(runner) : { links: known.links },
    has('routes') ? readRoutes(runner) : {},
    has('rules') ? readRules(runner) : known.rules,
    has('tunsrc') ? tunsrcOf(runner, subject) : known.tunsrc,
    has('xfrm') ? readXfrm(runner) : { states: known.states, policies: known.policies },
    has('tables') ? readTables(runner) : known.tables,
    has('ike') ? readIke(runner, subject, false) : known.ike,
    has('l2tp') ? l2tpOf(runner, modules, subject) : known.l2tp,
  ]);
  const { links } = devices;
  return {
    ...known,
    ...devices,
    ...routes,
    ...(has('paths') ? await paths(runner, links, subject) : {}),
    ...{ rules, tunsrc },
    modules,
    sysctls: has('sysctls') ? readSysctls(devicesOf(subject)) : known.sysctls,
    ...xfrm,
    tables,
    ike,
    l2tp,
    fdb: has('fdb') || has('links') ? await fdbOf(runner, links, subject) : known.fdb,
    fastPath: has('fast-path') || has('links') ? await readFastPath(subject) : known.fastPath,
  };
}

async function paths(
  runner: Runner,
  links: Facts['links'],
  subject: Subject | undefined,
): Promise<Pick<Facts, 'path' | 'morePaths' | 'covering'>> {
  const wanted = subject && pathOf(subject);
  const [path, covering, morePaths] = await Promise.all([
    wanted && readPath(runner, wanted.to, links, wanted.from),
    subject && carrierAsks(subject.carrier.type, 'covering')
      ? readCovering(runner, subject.remote, subject.local)
      : undefined,
    morePathsOf(runner, links, subject),
  ]);
  return { path, covering, morePaths };
}

/** To the other ends behind the first; those without a route are left out. */
async function morePathsOf(
  runner: Runner,
  links: Facts['links'],
  subject: Subject | undefined,
): Promise<Facts['morePaths']> {
  if (subject?.moreRemotes === undefined || subject.moreRemotes.length === 0) return undefined;
  const { local, moreRemotes } = subject;
  const found = await Promise.all(
    moreRemotes.map(async (to) => ({ to, path: await readPath(runner, to, links, local) })),
  );
  return found.flatMap(({ to, path }) => (path === undefined ? [] : [{ to, ...path }]));
}

async function l2tpOf(
  runner: Runner,
  modules: ReadonlySet<string>,
  subject: Subject | undefined,
): Promise<Facts['l2tp']> {
  return kindAsks(subject?.tunnel.type, 'l2tp') ? readL2tp(runner, modules) : undefined;
}

async function fdbOf(runner: Runner, links: Facts['links'], subject: Subject | undefined): Promise<Facts['fdb']> {
  return subject !== undefined && kindAsks(subject.tunnel.type, 'fdb')
    ? readFdb(runner, subject.tunnel.name, links)
    : undefined;
}

async function tunsrcOf(runner: Runner, subject: Subject | undefined): Promise<string | undefined> {
  return carrierAsks(subject?.carrier.type, 'tunsrc') ? readTunsrc(runner) : undefined;
}

/** The devices that a site names. */
export function devicesOf(subject: Subject | undefined): string[] {
  if (subject === undefined) return [];
  const { underlay, bridge, tunnel, carrier } = subject;
  return [underlay, bridge.name, ...bridge.ports, tunnel.name, ...carrierDevices(carrier)];
}
