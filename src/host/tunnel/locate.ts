/** From a site file to its site, with the outer addresses that it leaves to be looked up. Changes nothing. */
import path from 'node:path';
import { ClearDfError } from '../../errors.js';
import type { Runner } from '../exec.js';
import { sourceTowards } from '../read/path.js';
import { Journal } from './journal.js';
import { addressOfNobody, type OpenEnd, openEnds, refuseOpenEnd, withEnds } from '../../tunnel/site/open-ends.js';
import { type Engine, remotesOf, type Site } from '../../tunnel/site/site.js';
import { parseSite } from '../../tunnel/site-file.js';
import { readSiteText, type SiteFile, siteFileOf, siteIfAny } from './open.js';

interface Looking {
  runner: Runner;
  log: { warn(message: string): void };
}

/**
 * Reads a site file; its names are resolved as every program of this machine resolves them (getaddrinfo(3), by getent),
 * `local: auto` is the address that this machine takes towards the other end. What cannot be looked up now is what the
 * tunnel is up with, where it is.
 * @throws ClearDfError USAGE when the file is refused; ENVIRONMENT for what was not found
 */
export async function locateSite(file: string, { runner, log }: Looking, engine?: Engine): Promise<SiteFile> {
  const text = readSiteText(file);
  const ends = openEnds(text, file);
  if (ends.length === 0) return siteFileOf(text, file, engine);
  const draft = draftOf(text, ends, file);
  const last = lastAddresses(draft, file);
  const six = draft.tunnel.type === 'l2tp';
  const found = new Map<OpenEnd, string>();
  const find = async (end: OpenEnd, ask: () => Promise<string | readonly string[]>) => {
    const before = last?.(end.key);
    try {
      const answers = [await ask()].flat();
      // Names with several addresses come in another order each time.
      const [first] = answers;
      if (first === undefined) throw notFound(draft, end, NONE[end.key === 'local' ? 'local' : 'name']);
      found.set(end, before !== undefined && answers.includes(before) ? before : first);
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      if (before === undefined) throw error.code === 'ENVIRONMENT' ? error : notFound(draft, end, error.reason, error);
      log.warn(`${end.key}: ${end.value} cannot be looked up now, and stays ${before}: ${error.reason}`);
      found.set(end, before);
    }
  };
  const [locals, names] = [ends.filter(({ key }) => key === 'local'), ends.filter(({ key }) => key !== 'local')];
  for (const end of names) await find(end, () => addressesOf(runner, end.value, six));
  const first = names.find(({ key }) => key === 'remote' || key === 'remotes.0');
  const remote = (first && found.get(first)) ?? draft.remote;
  for (const end of locals) await find(end, async () => (await sourceTowards(runner, remote)) ?? []);
  const read = siteFileOf(
    withEnds(text, ends, (end) => found.get(end) ?? ''),
    file,
    engine,
  );
  const lookedUp = ends.map(({ key, value }) => ({ key, value }));
  return { ...read, site: { ...read.site, lookedUp }, written: text };
}

/** Why nothing was found where nothing failed. */
const NONE = {
  local: 'no route leads to the other end',
  name: 'no address of a kind that the tunnel takes was found: no such name, or no answer from DNS',
};

/** getent(1): what was asked for is not there. */
const NOT_FOUND = 2;

/**
 * A site as far as it is known without looking names up: addresses of nobody are in their place.
 * @throws ClearDfError USAGE when the file cannot be read, and for what is in it
 */
export function readSite(file: string): Site {
  const text = readSiteText(file);
  const ends = openEnds(text, file);
  return ends.length === 0 ? siteFileOf(text, file).site : draftOf(text, ends, file);
}

/** The site without its open ends, for all that does not depend on them. @throws ClearDfError USAGE */
export function draftOf(text: string, ends: readonly OpenEnd[], file: string): Site {
  const draft = draftWith(text, ends, file);
  const [end] = ends;
  if (end !== undefined) refuseOpenEnd(draft, end);
  return draft;
}

/** With the first family that goes with the addresses that are written. */
function draftWith(text: string, ends: readonly OpenEnd[], file: string): Site {
  let refused: unknown;
  for (const family of [4, 6] as const) {
    try {
      const each = (end: OpenEnd) => addressOfNobody(ends.indexOf(end), family);
      return parseSite(withEnds(text, ends, each), file);
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused;
}

/** What the tunnel of this file is up with, by key; undefined where it is not up, or cannot be known. */
function lastAddresses({ name }: Site, file: string): ((key: string) => string | undefined) | undefined {
  try {
    const kept = Journal.read(name);
    if (kept === undefined || kept.site.file !== path.resolve(file)) return undefined;
    const site = siteIfAny(kept);
    return site && ((key) => (key === 'local' ? site.local : remotesOf(site)[Number(key.split('.')[1] ?? 0)]));
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}

/** Each address once, IPv4 first. */
async function addressesOf(runner: Runner, name: string, six: boolean): Promise<string[]> {
  const kinds = six ? ['ahostsv4', 'ahostsv6'] : ['ahostsv4'];
  const lists = await Promise.all(
    kinds.map((kind) => runner.query('getent', [kind, name]).catch((error: unknown) => failure(error, kinds))),
  );
  const words = lists.flatMap((list) => list.split('\n').map((line) => line.split(/\s/)[0] ?? ''));
  // getent shows IPv4 addresses as IPv6 ones where there are no others.
  return [...new Set(words.filter((word) => word !== '' && !word.startsWith('::ffff:')))];
}

/** Nothing was found; and of two kinds one may be missing. */
function failure(error: unknown, kinds: readonly string[]): string {
  if (!(error instanceof ClearDfError) || error.code !== 'RUNTIME') throw error;
  if (kinds.length > 1 || (error.cause as { exitCode?: number } | undefined)?.exitCode === NOT_FOUND) return '';
  throw error;
}

function notFound(site: Site, { key, value }: OpenEnd, reason: string, cause?: ClearDfError): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'look up',
    object: `${key} ${value} (${site.place(key)})`,
    reason,
    hint: value === 'auto' ? 'ip route get REMOTE shows it' : `getent ahostsv4 ${value} shows what this machine finds`,
    cause,
  });
}
