/** From a site file to everything that the verbs of `clear-df tunnel` work with. Nothing is changed. */
import path from 'node:path';
import { ClearDfError, usageError } from '../../errors.js';
import type { Runner } from '../exec.js';
import { stillRuns } from '../process.js';
import { differenceOf, type Former, standing } from './former.js';
import { snapshotOf, originOf } from './snapshot.js';
import { Journal, type SiteText } from './journal.js';
import { readSecrets } from './keys.js';
import { isStale } from './stale-journal.js';
import { refuseUnloadable } from './loadable.js';
import { type Machine, openMachine } from './machine.js';
import { type Neighbour, type Others, withoutOthers } from './shared.js';
import type { Logger } from '../../log.js';
import { readTextFile, YAML_FILE } from '../text-file.js';
import { checkSite } from '../../tunnel/check.js';
import type { Difference } from '../../tunnel/difference.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Secrets } from '../../tunnel/keys.js';
import type { Plan } from '../../tunnel/plan.js';
import { planTunnel } from '../../tunnel/planner.js';
import { parseSite } from '../../tunnel/site-file.js';
import type { Engine, Site } from '../../tunnel/site/site.js';

export interface SiteFile {
  site: Site;
  /** For the journal. */
  text: SiteText;
  /** What the file itself holds, where addresses of it were looked up. */
  written?: string;
}

export interface OpenTunnel extends SiteFile {
  plan: Plan;
  machine: Machine;
  /** The machine without this tunnel. */
  origin: Facts;
  /** One without entries when the tunnel is not up. */
  journal: Journal;
  /** Of the other tunnels of this network namespace. */
  others: Others;
  /** What the tunnel is up from, where that is another version of the file. */
  former: FormerPlan | undefined;
  /** The plan beside what the journal knows. */
  difference: Difference;
}

interface FormerPlan extends Former {
  /** Undefined where it cannot be made any more. */
  plan: Plan | undefined;
}

/** @throws ClearDfError USAGE when the file cannot be read */
export function readSiteText(file: string): string {
  return readTextFile(file, { object: `site file '${file}'`, accepted: YAML_FILE });
}

/**
 * @param engine takes the place of `engine: auto`
 * @throws ClearDfError USAGE for what is in the file, and where it names another engine
 */
export function siteFileOf(text: string, file: string, engine?: Engine): SiteFile {
  const absolute = path.resolve(file);
  const site = parseSite(text, file, path.dirname(absolute));
  if (engine === undefined) return { site, text: { file: absolute, text } };
  if (site.engine !== 'auto' && site.engine !== engine) {
    const accepted = `${site.engine}, as ${site.place('engine')} has it`;
    throw usageError('--engine', engine, accepted, 'leave --engine out, or write engine: auto in the file');
  }
  return { site: withEngine(site, engine), text: { file: absolute, text, engine } };
}

/** What is to be done with the site. */
interface Opening {
  runner: Runner;
  log: Logger;
  /** Refuse what cannot stand on this machine. */
  check: boolean;
  /** Something will be changed: what cannot be read of other tunnels is an error, not a warning. */
  changes?: boolean;
}

/**
 * Reads the machine and makes the plan.
 * @throws ClearDfError of whatever is refused
 */
export async function openTunnel(
  read: SiteFile,
  { runner, log, check, changes = false }: Opening,
): Promise<OpenTunnel> {
  const secrets = readSecrets(read.site);
  const kept = Journal.read(read.site.name);
  // What is up has its engine already; auto means that one.
  const engine = read.text.engine ?? (read.site.engine === 'auto' ? kept?.site.engine : undefined);
  const known = kept?.site.text === read.text.text && kept.site.engine === engine ? kept : undefined;
  const site = withEngine(read.site, engine);
  const text = engine === undefined ? read.text : { ...read.text, engine };
  const others = othersOf(site.name, changes, log);
  const machine = await openMachine(runner, site, log, known && abilitiesOf(known));
  const finish = async (origin: Facts, journal: Journal, former?: FormerPlan): Promise<OpenTunnel> => {
    if (check) checkSite(site, origin);
    const plan = planTunnel(site, origin, secrets);
    if (check) await refuseUnloadable(runner, plan.items, machine.facts);
    const difference = differenceOf(plan.items, { journal, facts: machine.facts, origin, former });
    return { site, text, plan, machine, origin, journal, others, former, difference };
  };
  if (kept !== undefined) {
    if (!mayDiscard(kept, machine.facts)) {
      if (!kept.proven) log.warn(unproven(site.name));
      if (known !== undefined) return finish(originOf(kept, machine.facts, site), kept);
      const now = withoutOthers(machine.facts, others, site);
      const edit = { former: siteIfAny(kept) };
      const origin = originOf(kept, now, site, edit);
      return finish(origin, kept, formerOf(kept, machine, runner, log));
    }
    log.warn(`the journal of ${site.name} is stale, none of its objects exist: ignored`);
  }
  const origin = withoutOthers(machine.facts, others, site);
  return finish(origin, Journal.fresh(site.name, text, snapshotOf(origin)));
}

/** What an edited file's tunnel is up from. */
function formerOf(journal: Journal, { facts }: Machine, runner: Runner, log: Logger): FormerPlan {
  const plan = plannedAgain(journal, facts, (reason) =>
    log.warn(`what the earlier version of the file wanted is not known any more: ${reason}`),
  );
  const items = plan?.items ?? [];
  const { site, before } = journal;
  return {
    ...{ site, before, plan, items, stood: standing(items, journal, facts) },
    machine: () => openMachine(runner, plan?.site, log, abilitiesOf(journal)),
  };
}

/**
 * Journals of the other tunnels of this network namespace.
 * @param changes something will be changed
 * @throws ClearDfError of one that cannot be read, where something will be changed: what it shares would be taken away
 */
export function othersOf(name: string, changes: boolean, log: Logger): Others {
  return Journal.others(name, (error) => {
    if (changes) throw error;
    log.warn(`what ${name} shares with another tunnel is not known: ${error.message}`);
  });
}

/** The other tunnels with what they want; one whose plan cannot be made any more wants nothing that is known. */
export function neighboursOf({ others, machine }: Pick<OpenTunnel, 'others' | 'machine'>): Neighbour[] {
  return others.map((journal) => ({
    ...{ name: journal.name, file: journal.site.file },
    items: plannedAgain(journal, machine.facts)?.items ?? [],
  }));
}

/** Why a journal may be of another network namespace, in words. */
export function unproven(name: string): string {
  return (
    `whether the journal of ${name} is of this network namespace or of an earlier one cannot be determined: ` +
    'an earlier clear-df wrote it, or the kernel is older than 5.14 and CAP_SYS_ADMIN is missing'
  );
}

function mayDiscard(journal: Journal, facts: Facts): boolean {
  // One of this namespace whose things are gone was cut short, or taken apart by hand: it still leads back.
  if (journal.proven || (journal.mangler !== undefined && stillRuns(journal.mangler))) return false;
  const items = plannedAgain(journal, facts)?.items;
  return items !== undefined && isStale(journal, items, facts);
}

/**
 * The plan that a journal's changes belong to. Where the key file is gone, it is a plan without associations.
 * @returns undefined, where it is said why, when it cannot be made any more
 */
export function plannedAgain(journal: Journal, facts: Facts, say?: (reason: string) => void): Plan | undefined {
  try {
    const site = siteOf(journal);
    const [secrets, origin] = [secretsIfAny(site), originOf(journal, facts, site)];
    return planTunnel(site, origin, secrets);
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    say?.(error.message);
    return undefined;
  }
}

/** Undefined when this version reads site files differently. */
export function siteIfAny(journal: Journal): Site | undefined {
  try {
    return siteOf(journal);
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}

/** The site that a journal is of. @throws ClearDfError when this version reads site files differently */
function siteOf({ site: { text, file, engine } }: Journal): Site {
  return withEngine(parseSite(text, file), engine);
}

function withEngine(site: Site, engine: Engine | undefined): Site {
  return engine === undefined || site.engine !== 'auto' ? site : { ...site, engine };
}

function secretsIfAny(site: Site): Secrets | undefined {
  try {
    return readSecrets(site);
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}

/** What the machine could do when the tunnel was planned: tried once, so that each run makes the same choice. */
export function abilitiesOf({ before: { can, evidence = {} } }: Journal) {
  return { answers: can, evidence };
}
