/**
 * The firewall rules that feed the queue: installed, removed and listed by instance name, in one
 * transaction of whichever backend fits, without touching anyone else's.
 */
import { ClearDfError } from '../errors.js';
import * as iptables from '../rules/iptables.js';
import * as nft from '../rules/nft.js';
import { type ResolvedRule, resolveRules } from '../rules/resolve.js';
import { type RuleSpec } from '../rules/spec.js';
import { instanceOf } from '../rules/instance.js';
import { netAdmin } from './read/rights.js';
import { askingOnce } from './ask-once.js';
import { NoAnswerError, type Runner } from './exec.js';
import {
  type Backend,
  type Candidate,
  type Contents,
  isHome,
  owners,
  readBackend,
  readBackends,
  readLegacyTables,
  surveyBackends,
} from './firewall/backends.js';
import { callIptables, callsIptables, checkBridgeQueue, undoCallIptables } from './firewall/bridge.js';
import { type BackendChoice, chooseBackend } from './firewall/choice.js';
import * as viaIptables from './firewall/iptables.js';
import { joined, type SavedState, readSaved, writeSaved } from './firewall/saved-state.js';
import * as viaNft from './firewall/nft.js';
import { egressMtus, limitsText } from './firewall/mtu.js';
import { advise, lateNote, neverLocal, type Note, warning } from './firewall/notes.js';
import { restore } from './firewall/restore.js';
import { type Unread, unread } from './firewall/listing.js';

export { BACKENDS, type Backend, isTrial } from './firewall/backends.js';
export { type ListedRule, listRules, type Unread } from './firewall/listing.js';
export { mtuLimits } from './firewall/mtu.js';
export { joined, type SavedState as Memory } from './firewall/saved-state.js';
export { BACKEND_CHOICES, type BackendChoice, parseBackendChoice } from './firewall/choice.js';

export interface InstallResult {
  backend: Backend;
  /** Why this backend. */
  reason: string;
  /** False when the same rules were there already; nft tables are always replaced. */
  changed: boolean;
  /** Whether this instance had rules anywhere before: then they were not this run's to begin with. */
  existed: boolean;
  /** The rules in the backend's own words. */
  rules: string[];
  /** Other backends that held rules of this name, which are gone now. */
  removedFrom: Backend[];
  /** What the person should know. */
  notes: Note[];
  /** What this installation changed beside the rules, for {@link removeRules} by the same process. */
  before: SavedState;
  /** The MTUs that they were made for: {@link mtuLimits}. */
  limits: string;
  /** Whether no packet of these rules is delivered to this host: the mangler's `neverLocal`. */
  neverLocal: boolean;
}

export interface RemoveResult {
  /** Backends that held rules of this name. */
  removedFrom: Backend[];
  /** Backends whose rules could not be read, so that some may be left. */
  unread: Unread[];
  /** What the person should know. */
  notes: string[];
}

/**
 * Makes an instance's rules exactly those of its specs, all in one backend. Everything that can be refused
 * is refused before the first change; what fails half-way is rolled back.
 * @throws TypeError when the specs are none, or not of one instance
 * @throws ClearDfError PRIVILEGE without CAP_NET_ADMIN; ENVIRONMENT when a device, a route or a usable
 *   backend is missing; CONFLICT when someone else writes into our nft table
 * @param ours what this process has changed before, to be kept in mind beside what changes now
 */
export async function installRules(
  runner: Runner,
  specs: readonly RuleSpec[],
  choice: BackendChoice = 'auto',
  ours: SavedState = {},
): Promise<InstallResult> {
  const { name } = instanceOf(specs);
  if (!runner.dryRun) requireNetAdmin('install', name);
  const hooks = specs.map(({ hook }) => hook);
  const looking = askingOnce(runner);
  const mtus = await egressMtus(looking, specs);
  const rules = specs.flatMap((spec, i) => resolveRules(spec, { mtu: mtus[i] }));
  const candidates = await surveyBackends(looking, rules);
  const { candidate, reason } = chooseBackend(candidates, choice, hooks, name);
  const { backend } = candidate;
  // Rules that cannot be read could never be removed again. Without any right at all it is only a plan.
  if (candidate.error !== undefined && netAdmin() !== 'no') throw candidate.error;
  const notes = advise(specs, backend, candidates);
  if (backend === 'nft' && hooks.includes('bridge')) {
    const doubt = checkBridgeQueue();
    if (doubt !== undefined) notes.push(warning(doubt));
  }
  const ports = calledPorts(specs, backend);
  const bridged = ports.length > 0 ? await callIptables(runner, ports) : undefined;
  const stale = candidates.filter((other) => other !== candidate && isHome(other, name));
  let changed = false;
  try {
    changed = await apply(runner, candidate, name, rules);
    // Their nft table would go with the early chain that takes its place.
    for (const other of stale) await take(runner, other, name);
    const late = await early(runner, candidates, candidate, name, rules);
    if (late !== undefined) notes.push(warning(lateNote(late)));
  } catch (error) {
    // A tool that was ended may have made them all the same.
    const doubtful = changed || error instanceof NoAnswerError;
    try {
      if (doubtful) await putBack(runner, candidate, name);
    } finally {
      if (bridged !== undefined) await undoCallIptables(runner, bridged);
    }
    throw error;
  }
  const created = backend === 'iptables-nft' && !iptables.hasTable(candidate.save);
  const now: SavedState = { bridgeNfCallIptables: bridged, createdMangle: created || undefined };
  if (netAdmin() !== 'no') {
    notes.push(...unread(candidates).map((each) => warning(`rules of ${each.backend} are not known: ${each.reason}`)));
  }
  notes.push(...keep(runner, candidates, joined(ours, now)).map(warning));
  return {
    backend,
    reason,
    changed,
    existed: candidates.some((each) => owners(each, name).length > 0),
    rules: rules.flatMap((rule) =>
      backend === 'nft' ? nft.linesBy(rule, candidate.means ?? 'expression') : iptables.ruleLine(rule),
    ),
    removedFrom: stale.map((other) => other.backend),
    notes,
    before: now,
    limits: limitsText(mtus),
    neverLocal: neverLocal(specs, candidates),
  };
}

/** The bridge ports, frames towards which pass iptables only if someone made them. */
function calledPorts(specs: readonly RuleSpec[], backend: Backend): string[] {
  if (backend === 'nft') return [];
  return specs.flatMap(({ hook, outDev }) => (hook === 'bridge' && outDev !== undefined ? [outDev] : []));
}

/**
 * Makes an instance's rules the last of their chains again: rules that others have put behind them miss the packets that
 * are queued. In nft they have chains of their own.
 * @returns the rules of others that stood behind, and whether the instance has any rules at all
 * @throws ClearDfError when the backend cannot be read, or takes no change
 */
export async function standLast(
  runner: Runner,
  name: string,
  backend: Backend,
): Promise<{ behind: string[]; present: boolean }> {
  if (backend === 'nft') return { behind: [], present: false };
  const contents = await readBackend(runner, backend);
  if (contents.error !== undefined) throw contents.error;
  const behind = iptables.rulesBehind(contents.save, name).map(({ table, line }) => `${table} ${line}`);
  if (behind.length > 0) await viaIptables.putLast(runner, backend, contents, name);
  return { behind, present: iptables.ownedRules(contents.save, name).length > 0 };
}

/** The table of iptables-legacy that rules stand in; undefined when it is not there: to ask for it makes it. */
export function legacyTable(): string | undefined {
  return readLegacyTables().has(iptables.TABLE) ? iptables.TABLE : undefined;
}

/**
 * Whether packets still reach the rules that are in place: bridged frames pass iptables only while the bridge hands them over.
 * @throws ClearDfError RUNTIME when a bridge port is gone
 */
export async function rulesAreReached(runner: Runner, specs: readonly RuleSpec[], backend: Backend): Promise<boolean> {
  const ports = calledPorts(specs, backend);
  return ports.length === 0 || (await callsIptables(runner, ports));
}

/**
 * Removes exactly an instance's rules, from one backend or from all, and with the last rule of any
 * instance puts back what the first one had to change.
 * @param ours what this process changed itself: {@link InstallResult.before}
 * @param silenced what {@link silenceRules} has returned
 * @throws ClearDfError PRIVILEGE when no rules were found and a backend may not be read, or why the one backend asked
 *   for cannot be read
 */
export async function removeRules(
  runner: Runner,
  name: string,
  backend?: Backend,
  ours: SavedState = {},
  silenced: readonly Backend[] = [],
): Promise<RemoveResult> {
  const { all, wanted, holders } = await held(runner, name, backend);
  for (const contents of holders) await take(runner, contents, name);
  const removedFrom = [...new Set([...silenced, ...holders.map((contents) => contents.backend)])];
  const nothing = removedFrom.length === 0 && Object.values(ours).every((value) => value === undefined);
  const notes = nothing ? [] : await restore(runner, all, holders, name, ours);
  return { removedFrom, unread: unread(wanted), notes };
}

/**
 * Takes an instance's rules away, so that no more packets come, and leaves the tables and chains that they stood in: with
 * those the kernel would discard what waits in the queue. {@link removeRules} is still to come.
 * @returns the backends that held rules of this name
 * @throws ClearDfError as {@link removeRules}
 */
export async function silenceRules(runner: Runner, name: string, backend: Backend): Promise<Backend[]> {
  // What takes packets early for it is nft's, wherever it stands itself.
  const { holders } = await held(runner, name, backend, [...new Set([backend, 'nft'] as const)]);
  for (const contents of holders) {
    if (contents.backend === 'nft') await viaNft.empty(runner, contents, name);
    else await viaIptables.remove(runner, contents.backend, contents, name);
  }
  return holders.map((contents) => contents.backend);
}

/** Who holds rules of an instance that are to go: the backend asked for, and what takes packets early for it. */
async function held(runner: Runner, name: string, backend: Backend | undefined, among?: readonly Backend[]) {
  if (!runner.dryRun) requireNetAdmin('remove', name);
  const all = await readBackends(runner, among);
  const wanted = all.filter((contents) => backend === undefined || contents.backend === backend);
  const holders = all.filter(
    (contents) => owners(contents, name).length > 0 && (wanted.includes(contents) || !isHome(contents, name)),
  );
  const failed = wanted.find(({ error }) => error && (backend !== undefined || error.code === 'PRIVILEGE'));
  if (failed?.error && holders.length === 0 && !runner.dryRun) throw failed.error;
  return { all, wanted, holders };
}

async function apply(runner: Runner, to: Candidate, name: string, rules: readonly ResolvedRule[]): Promise<boolean> {
  const { backend } = to;
  if (backend === 'nft') return viaNft.install(runner, to, name, rules);
  return viaIptables.install(runner, backend, to, name, rules);
}

/** Rules in iptables have a chain in nft that takes early what they would see too late. @returns why there is none */
async function early(
  runner: Runner,
  all: readonly Candidate[],
  { backend }: Candidate,
  name: string,
  rules: readonly ResolvedRule[],
): Promise<string | undefined> {
  const native = all.find((each) => each.backend === 'nft');
  return native === undefined || backend === 'nft' ? undefined : viaNft.installEarly(runner, native, name, rules);
}

async function take(runner: Runner, from: Contents, name: string): Promise<void> {
  const { backend } = from;
  if (backend === 'nft') await viaNft.remove(runner, from, name);
  else await viaIptables.remove(runner, backend, from, name);
}

/** Undoes {@link apply}; an nft table that was there before is not built again, only removed. */
async function putBack(runner: Runner, before: Contents, name: string): Promise<void> {
  const { backend } = before;
  if (backend === 'nft') await viaNft.remove(runner, await readBackend(runner, backend), name);
  else await viaIptables.putBack(runner, backend, before, name);
}

/** Remembers what this installation changed around its rules. @returns a note when that failed */
function keep(runner: Runner, all: readonly Contents[], changed: SavedState): string[] {
  if (runner.dryRun) return [];
  try {
    // A record without any rule of ours is left over from a namespace, or a boot, that is gone.
    const current = unread(all).length > 0 || all.some((contents) => owners(contents).length > 0);
    writeSaved(joined(current ? readSaved() : {}, changed));
    return [];
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    return [
      `${error.message}: a run puts kernel settings back itself when it ends, but a later ` +
        '`clear-df rules remove` will leave them as they are now',
    ];
  }
}

function requireNetAdmin(operation: string, name: string): void {
  if (netAdmin() !== 'no') return;
  throw new ClearDfError({
    code: 'PRIVILEGE',
    operation: `${operation} rules of`,
    object: name,
    reason: 'this process does not have CAP_NET_ADMIN',
    errno: 'EPERM',
    hint: 'run as root, or with CAP_NET_ADMIN; --dry-run needs neither',
  });
}
