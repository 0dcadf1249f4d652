/**
 * Which firewall tools this machine has, whether its kernel takes our rules through them, whose
 * rules they hold already, and which one to use. Looks only; changes nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../../errors.js';
import { type ResolvedRule } from '../../rules/resolve.js';
import * as nft from '../../rules/nft.js';
import { type Table, foreignRules, ownedTables, readRuleset } from '../../rules/ruleset.js';
import * as iptables from '../../rules/iptables.js';
import type { Answer } from '../../tunnel/enums.js';
import { netAdmin } from '../read/rights.js';
import { isAbsent, NoAnswerError, type Runner } from '../exec.js';
import { takesTargets } from './nft-target.js';

export const BACKENDS = ['iptables-legacy', 'iptables-nft', 'nft'] as const;
export type Backend = (typeof BACKENDS)[number];
export type IptablesBackend = Exclude<Backend, 'nft'>;

/** ip_tables makes this file in every network namespace. */
const LEGACY_TABLES = '/proc/net/ip_tables_names';

/** What one backend holds now. */
export interface Contents {
  backend: Backend;
  /** `iptables-save` text; empty for nft and when it could not be read. */
  save: string;
  /** nft tables; empty for iptables and when they could not be read. */
  tables: Table[];
  /** Why it could not be read. */
  error: ClearDfError | undefined;
}

/** A backend with a verdict on its use. */
export interface Candidate extends Contents {
  /** Whether rules can be installed with it; `unknown` when only a change would show it. */
  usable: Answer;
  /** Why not, or why unknown. */
  reason: string;
  /** Rules of other people in it. */
  foreign: number;
  /** How its rules would get packets to a queue; of nft, when it is usable. */
  means?: nft.Means;
}

/** Reads what every backend holds, or some. A tool that is missing or fails is noted, not thrown. */
export async function readBackends(runner: Runner, among: readonly Backend[] = BACKENDS): Promise<Contents[]> {
  return Promise.all(among.map((backend) => readBackend(runner, backend)));
}

/**
 * Reads what one backend holds; see {@link readBackends}.
 * @throws NoAnswerError when the tool was not heard to its end: that is no verdict on the backend
 */
export async function readBackend(runner: Runner, backend: Backend): Promise<Contents> {
  const contents: Contents = { backend, save: '', tables: [], error: undefined };
  if (backend === 'iptables-legacy' && netAdmin() === 'no') {
    // Without the right to see its tables, iptables-legacy-save prints none and says nothing.
    contents.error = denied(backend);
    return contents;
  }
  try {
    // Without `-t`: naming a table would make the legacy variant create it.
    if (backend === 'nft') {
      contents.tables = readRuleset(await persistently(() => runner.query('nft', ['-j', 'list', 'ruleset'])));
    } else contents.save = await persistently(() => runner.query(`${backend}-save`, []));
  } catch (cause) {
    if (cause instanceof NoAnswerError) throw cause;
    contents.error = asError(backend, cause);
  }
  return contents;
}

/** A tool that fails may do so once: the kernel refuses while another process changes the rules. */
const TRIES = 3;
const PAUSE_MS = 200;

/** Asks again before a failure is taken for an answer, unless it says itself that asking again is of no use. */
export async function persistently(ask: () => Promise<string>): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const passing = error instanceof ClearDfError && error.code === 'RUNTIME' && !(error instanceof NoAnswerError);
      if (!passing || isAbsent(error) || tries === TRIES) throw error;
      await pause(PAUSE_MS);
    }
  }
}

function denied(backend: Backend): ClearDfError {
  return new ClearDfError({
    code: 'PRIVILEGE',
    operation: 'read rules of',
    object: backend,
    reason: 'they can be read only with CAP_NET_ADMIN',
    errno: 'EPERM',
    hint: 'run as root, or with CAP_NET_ADMIN',
  });
}

function asError(backend: Backend, cause: unknown): ClearDfError {
  if (cause instanceof ClearDfError) {
    if (cause.code !== 'PRIVILEGE' || backend !== 'iptables-legacy') return cause;
    // Its list of tables is root's alone, and it asks for the rules through a raw socket.
    const hint = 'run as root, or with CAP_NET_RAW and CAP_DAC_OVERRIDE beside CAP_NET_ADMIN';
    return new ClearDfError({
      ...cause,
      reason: cause.reason,
      operation: 'read rules of',
      object: backend,
      hint,
      cause,
    });
  }
  const reason = 'its listing is not the JSON of libnftables-json(5)';
  return new ClearDfError({ code: 'ENVIRONMENT', operation: 'read rules of', object: backend, reason, cause });
}

/** Instances that own something in a backend, `name` alone when given. */
export function owners({ save, tables }: Contents, name?: string): string[] {
  const names = [
    ...iptables.ownedRules(save, name).map((rule) => rule.name),
    ...ownedTables(tables, name).map(({ instance }) => instance),
  ];
  return [...new Set(names)];
}

/** Whether a backend holds the rules of an instance, and not only what takes packets early for rules of another one. */
export function isHome(contents: Contents, name: string): boolean {
  const { save, tables } = contents;
  return iptables.ownedRules(save, name).length > 0 || ownedTables(tables, name).some(({ early }) => !early);
}

/** Tries rules in every backend without installing them. */
export async function surveyBackends(runner: Runner, rules: readonly ResolvedRule[]): Promise<Candidate[]> {
  const contents = await readBackends(runner);
  return Promise.all(
    contents.map(async (read) => {
      const foreign =
        iptables.savedRules(read.save).length - iptables.ownedRules(read.save).length + foreignRules(read.tables);
      return { ...read, foreign, ...(read.error ? unusable(read.error) : await tryRules(runner, read.backend, rules)) };
    }),
  );
}

/** How each tool is asked whether the kernel would take a text; the legacy one would make its table. */
const TRIALS = { 'iptables-nft-restore': ['--noflush', '--test'], nft: ['--check', '-f', '-'] } as const;

/** Whether a query is one of those, whose answer the rules of others do not change. */
export function isTrial(command: string, args: readonly string[]): boolean {
  const trial: readonly string[] | undefined = Object.entries(TRIALS).find(([tool]) => tool === command)?.[1];
  return trial !== undefined && trial.join(' ') === args.join(' ');
}

type Usability = Pick<Candidate, 'usable' | 'reason' | 'means'>;

function unusable(error: ClearDfError): Usability {
  const absent = error.errno === 'ENOENT';
  const usable = error.code === 'PRIVILEGE' ? 'unknown' : 'no';
  return { usable, reason: absent ? `${error.object} is not installed` : error.reason };
}

async function tryRules(runner: Runner, backend: Backend, rules: readonly ResolvedRule[]): Promise<Usability> {
  if (netAdmin() === 'no') return { usable: 'unknown', reason: 'it cannot be tried without CAP_NET_ADMIN' };
  switch (backend) {
    case 'iptables-legacy':
      return tryLegacy();
    case 'iptables-nft': {
      const text = iptables.trialText(rules);
      return attempt(() => runner.query('iptables-nft-restore', TRIALS['iptables-nft-restore'], text));
    }
    case 'nft':
      return tryNft(runner, rules);
  }
}

/** Names of the tables of iptables-legacy in this network namespace; none where they may not be listed. */
export function readLegacyTables(): Set<string> {
  try {
    return new Set(readFileSync(LEGACY_TABLES, 'utf8').split('\n'));
  } catch {
    return new Set();
  }
}

/** Even `iptables-legacy-restore --test` creates the table, so only what is loaded already can tell. */
function tryLegacy(): Usability {
  if (existsSync(LEGACY_TABLES)) return { usable: 'yes', reason: '' };
  return { usable: 'unknown', reason: 'no legacy table is in use, and trying would create one' };
}

async function tryNft(runner: Runner, rules: readonly ResolvedRule[]): Promise<Usability> {
  const check = (text: string): Promise<Usability> => attempt(() => runner.query('nft', TRIALS.nft, text));
  const text = nft.trialText(rules);
  const whole = await check(text);
  if (whole.usable !== 'no') return { ...whole, means: 'expression' };
  if ((await check(nft.withoutQueue(text))).usable !== 'yes') return whole;
  if (takesTargets(rules)) return { usable: 'yes', reason: '', means: 'target' };
  return { usable: 'no', reason: "the kernel has no 'queue' expression for nft (CONFIG_NFT_QUEUE)" };
}

async function attempt(trial: () => Promise<string>): Promise<Usability> {
  try {
    await persistently(trial);
    return { usable: 'yes', reason: '' };
  } catch (error) {
    if (error instanceof ClearDfError && !(error instanceof NoAnswerError)) return unusable(error);
    throw error;
  }
}
