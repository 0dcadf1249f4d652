/** What is so on the machine, as far as a tunnel is concerned: read here, judged in `src/tunnel`. */
import { release } from 'node:os';
import type { Facts } from '../tunnel/facts.js';
import { type Subject, type Wanted, wantedBy } from '../tunnel/wanted.js';
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
import { type Tried, probe } from './probes.js';

/** Parts of the facts that are read apart from each other. */
export const SECTIONS = [
  ...(['links', 'routes', 'paths', 'rules', 'tunsrc'] as const),
  ...(['modules', 'sysctls', 'xfrm', 'tables', 'ike', 'fast-path', 'l2tp', 'fdb'] as const),
];
export type Section = (typeof SECTIONS)[number];

/** All but what the machine can do. */
type State = Omit<Facts, 'can' | 'evidence'>;

/**
 * Everything that is so, and what the machine can do. Changes nothing that outlasts the reading.
 * @param subject the site that it is for; without one there is no route to a remote, and every ability is tried
 * @param can the abilities, where they are known already; trying them takes longer than all the rest
 * @throws ClearDfError ENVIRONMENT without iproute2
 */
export async function readFacts(runner: Runner, subject?: Subject, can?: Tried): Promise<Facts> {
  const wanted = wantedBy(subject);
  const state = await readState(runner, wanted, new Set(SECTIONS));
  const { answers, evidence } = can ?? (await probe(runner, state.modules, wanted.abilities));
  return { ...state, can: answers, evidence };
}

/** The same facts with some of their parts read anew. */
export async function rereadFacts(
  runner: Runner,
  known: Facts,
  subject: Subject | undefined,
  sections: ReadonlySet<Section>,
): Promise<Facts> {
  return { ...known, ...(await readState(runner, wantedBy(subject), sections, known)) };
}

/** @param known has the parts that are not read; undefined the first time, which is also for people to read */
async function readState(
  runner: Runner,
  wanted: Wanted,
  sections: ReadonlySet<Section>,
  known?: State,
): Promise<State> {
  const has = (...some: Section[]) => some.some((section) => sections.has(section));
  // The modules come first: trying things may load some.
  const modules = known === undefined || has('modules') ? readModules() : known.modules;
  const state = Object.assign(
    { ...known, kernel: release(), modules },
    ...(await Promise.all([
      has('links') && readLinks(runner),
      has('routes') && readRoutes(runner),
      has('rules') && readRules(runner).then((rules) => ({ rules })),
      has('tunsrc') && wanted.tunsrc && readTunsrc(runner).then((tunsrc) => ({ tunsrc })),
      has('xfrm') && readXfrm(runner),
      has('tables') && readTables(runner).then((tables) => ({ tables })),
      has('ike') && readIke(runner, wanted.ike, known === undefined).then((ike) => ({ ike })),
      has('l2tp') && wanted.l2tp && readL2tp(runner, modules).then((l2tp) => ({ l2tp })),
    ])),
    has('sysctls') && { sysctls: readSysctls(wanted.devices) },
  ) as State;
  const { links } = state;
  return Object.assign(
    state,
    ...(await Promise.all([
      has('paths') && readPaths(runner, links, wanted),
      has('fdb', 'links') && wanted.fdb && readFdb(runner, wanted.fdb, links).then((fdb) => ({ fdb })),
      has('fast-path', 'links') && readFastPath(wanted.fastPath).then((fastPath) => ({ fastPath })),
    ])),
  ) as State;
}

/** Other ends to which no route leads are left out. */
async function readPaths(
  runner: Runner,
  links: Facts['links'],
  { path: first, morePaths: more, covering: uncovered }: Wanted,
): Promise<Pick<Facts, 'path' | 'morePaths' | 'covering'>> {
  const [path, covering, morePaths] = await Promise.all([
    first && readPath(runner, first.to, links, first.from),
    uncovered && readCovering(runner, uncovered.remote, uncovered.local),
    more && Promise.all(more.to.map(async (to) => ({ to, path: await readPath(runner, to, links, more.from) }))),
  ]);
  const reached = morePaths?.flatMap(({ to, path: found }) => (found === undefined ? [] : [{ to, ...found }]));
  return { path, covering, morePaths: reached };
}
