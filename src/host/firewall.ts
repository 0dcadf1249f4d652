/**
 * The firewall rules that feed the queue: installed, removed and listed by instance name, in one
 * transaction of whichever backend fits, without touching anyone else's.
 */
import { ClearDfError } from '../errors.js';
import * as iptables from '../rules/iptables.js';
import * as nft from '../rules/nft.js';
import { type ResolvedRule, resolveRules } from '../rules/resolve.js';
import { ownedTables } from '../rules/ruleset.js';
import { type RuleSpec } from '../rules/spec.js';
import { instanceOf } from '../rules/instance.js';
import { netAdmin } from './capabilities.js';
import { NoAnswerError, type Runner } from './exec.js';
import { type Backend, type Contents, owners, readBackend, readBackends, surveyBackends } from './firewall/backends.js';
import { callIptables, callsIptables, checkBridgeQueue, undoCallIptables } from './firewall/bridge.js';
import { type BackendChoice, chooseBackend } from './firewall/choice.js';
import * as viaIptables from './firewall/iptables.js';
import { joined, type Memory, recall, remember } from './firewall/memory.js';
import * as viaNft from './firewall/nft.js';
import { egressMtu } from './firewall/mtu.js';
import { advise, neverLocal } from './firewall/notes.js';
import { settle } from './firewall/settle.js';

export { BACKENDS, type Backend } from './firewall/backends.js';
export { joined, type Memory } from './firewall/memory.js';
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
  notes: string[];
  /** What this installation changed beside the rules, for {@link removeRules} by the same process. */
  before: Memory;
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

/** A backend that is installed but would not tell. */
export interface Unread {
  backend: Backend;
  reason: string;
}

/** One owned rule as its backend prints it. */
export interface ListedRule {
  name: string;
  backend: Backend;
  /** `mangle OUTPUT`, or `ip clear_df_default output`. */
  chain: string;
  rule: string;
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
  ours: Memory = {},
): Promise<InstallResult> {
  const { name } = instanceOf(specs);
  if (!runner.dryRun) requireNetAdmin('install', name);
  const hooks = specs.map(({ hook }) => hook);
  const rules = await resolved(runner, specs);
  const candidates = await surveyBackends(runner, rules);
  const { candidate, reason } = chooseBackend(candidates, choice, hooks, name);
  const { backend } = candidate;
  // Rules that cannot be read could never be removed again. Without any right at all it is only a plan.
  if (candidate.error !== undefined && netAdmin() !== 'no') throw candidate.error;
  const notes = advise(specs, backend, candidates);
  if (backend === 'nft' && hooks.includes('bridge')) {
    const warning = checkBridgeQueue();
    if (warning !== undefined) notes.push(warning);
  }
  const ports = calledPorts(specs, backend);
  const bridged = ports.length > 0 ? await callIptables(runner, ports) : undefined;
  const stale = candidates.filter((other) => other !== candidate && owners(other, name).length > 0);
  let changed = false;
  try {
    changed = await apply(runner, candidate, name, rules);
    for (const other of stale) await take(runner, other, name);
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
  const now: Memory = { bridgeNfCallIptables: bridged, createdMangle: created || undefined };
  if (netAdmin() !== 'no') {
    notes.push(...unread(candidates).map((each) => `rules of ${each.backend} are not known: ${each.reason}`));
  }
  notes.push(...keep(runner, candidates, joined(ours, now)));
  return {
    backend,
    reason,
    changed,
    existed: candidates.some((each) => owners(each, name).length > 0),
    rules: rules.flatMap(backend === 'nft' ? nft.ruleLines : iptables.ruleLine),
    removedFrom: stale.map((other) => other.backend),
    notes,
    before: now,
    neverLocal: neverLocal(specs, candidates),
  };
}

/** The bridge ports, frames towards which pass iptables only if someone made them. */
function calledPorts(specs: readonly RuleSpec[], backend: Backend): string[] {
  if (backend === 'nft') return [];
  return specs.flatMap(({ hook, outDev }) => (hook === 'bridge' && outDev !== undefined ? [outDev] : []));
}

async function resolved(runner: Runner, specs: readonly RuleSpec[]): Promise<ResolvedRule[]> {
  const rules: ResolvedRule[] = [];
  for (const spec of specs) rules.push(...resolveRules(spec, { mtu: await egressMtu(runner, spec) }));
  return rules;
}

/**
 * Whether packets still reach the rules that are in place: bridged frames pass iptables only as long as they are told.
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
 * @throws ClearDfError PRIVILEGE when no rules were found and a backend may not be read, or why the one backend asked
 *   for cannot be read
 */
export async function removeRules(
  runner: Runner,
  name: string,
  backend?: Backend,
  ours: Memory = {},
): Promise<RemoveResult> {
  if (!runner.dryRun) requireNetAdmin('remove', name);
  const all = await readBackends(runner);
  const wanted = all.filter((contents) => backend === undefined || contents.backend === backend);
  const holders = wanted.filter((contents) => owners(contents, name).length > 0);
  const failed = wanted.find(({ error }) => error && (backend !== undefined || error.code === 'PRIVILEGE'));
  if (failed?.error && holders.length === 0 && !runner.dryRun) throw failed.error;
  for (const contents of holders) await take(runner, contents, name);
  const notes = await settle(runner, all, holders, name, ours);
  return { removedFrom: holders.map((contents) => contents.backend), unread: unread(wanted), notes };
}

/**
 * The rules of all instances, in one backend or over all that are installed.
 * @throws ClearDfError PRIVILEGE or ENVIRONMENT when nothing at all can be read
 */
export async function listRules(runner: Runner, backend?: Backend): Promise<{ rules: ListedRule[]; unread: Unread[] }> {
  const all = backend === undefined ? await readBackends(runner) : [await readBackend(runner, backend)];
  if (all.every(({ error }) => error !== undefined)) throw nothingRead(all);
  const rules = await Promise.all(all.map((contents) => listed(runner, contents)));
  return { rules: rules.flat(), unread: unread(all) };
}

function nothingRead(all: readonly Contents[]): ClearDfError {
  const denied = all.find(({ error }) => error?.code === 'PRIVILEGE')?.error;
  if (denied !== undefined) return denied;
  const absent = all.every(({ error }) => error?.errno === 'ENOENT');
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: 'rules',
    reason: all.map(({ backend, error }) => `${backend}: ${error?.reason}`).join('; '),
    hint: absent ? 'apt-get install iptables nftables' : undefined,
    cause: all[0]?.error,
  });
}

async function listed(runner: Runner, { backend, save, tables }: Contents): Promise<ListedRule[]> {
  const saved = iptables.ownedRules(save).map(({ name, chain, line }) => ({
    name,
    backend,
    chain: `${iptables.TABLE} ${chain}`,
    rule: line,
  }));
  const native = ownedTables(tables).map(async ({ family, instance }) => {
    const table = nft.tableOf(family, instance);
    const text = await runner.query('nft', ['list', 'table', ...table.split(' ')]);
    return nft
      .listedRules(text)
      .map(({ chain, rule }) => ({ name: instance, backend, chain: `${table} ${chain}`, rule }));
  });
  return [...saved, ...(await Promise.all(native)).flat()];
}

async function apply(runner: Runner, to: Contents, name: string, rules: readonly ResolvedRule[]): Promise<boolean> {
  const { backend } = to;
  if (backend === 'nft') return viaNft.install(runner, to, name, rules);
  return viaIptables.install(runner, backend, to, name, rules);
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
function keep(runner: Runner, all: readonly Contents[], changed: Memory): string[] {
  if (runner.dryRun) return [];
  try {
    // A record without any rule of ours is left over from a namespace, or a boot, that is gone.
    const current = unread(all).length > 0 || all.some((contents) => owners(contents).length > 0);
    remember(joined(current ? recall() : {}, changed));
    return [];
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    return [
      `${error.message}: a run puts kernel settings back itself when it ends, but a later ` +
        '`clear-df rules remove` will leave them as they are now',
    ];
  }
}

function unread(contents: readonly Contents[]): Unread[] {
  return contents.flatMap(({ backend, error }) =>
    error && error.errno !== 'ENOENT' ? [{ backend, reason: error.reason }] : [],
  );
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
