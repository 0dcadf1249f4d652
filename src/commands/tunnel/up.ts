/** `clear-df tunnel up`: everything that can be refused, then the changes, then the mangler. */
import { type Change as ShownChange, createRunner } from '../../host/exec.js';
import { thisProcess } from '../../host/process.js';
import { applyItems, type Change, refuseConflicts, rollBack, type Steps } from '../../host/tunnel/apply.js';
import type { Entry, Journal } from '../../host/tunnel/journal.js';
import type { Lock } from '../../host/lock.js';
import { takeTunnelLock } from '../../host/tunnel/paths.js';
import { perform } from '../../host/tunnel/perform.js';
import { removeStale } from '../../host/tunnel/remove-stale.js';
import { refuseOtherWishes } from '../../host/tunnel/shared.js';
import { Supervisor } from '../../host/supervisor.js';
import { takeChangeLock } from '../../host/tunnel/change-lock.js';
import type { LogLevel, Logger } from '../../log.js';
import { rangeText } from '../../net/queue-range.js';
import { requireNetAdmin } from '../rights.js';
import { Run } from '../run.js';
import { type Plan, staysInForeground } from '../../tunnel/plan.js';
import { commandText } from '../../tunnel/plan-text.js';
import type { Engine } from '../../tunnel/site/site.js';
import type { SignalWatch } from '../signals.js';
import { Foreground } from './foreground.js';
import { awaitIke } from './ike-wait.js';
import { endMangler, manglerOptions, refuseRunning, refuseTakenQueues, runningMangler } from './mangler.js';
import { neighboursOf, openTunnel, type OpenTunnel, plannedAgain, readSite, type SiteFile } from './open.js';
import { refuseOtherPlan, refuseUsedKeys } from './other-plan.js';
import { addressOf, openSocket } from './socket.js';
import { hasSeals, SealWatch } from './seal-watch.js';
import { UnderlayWatch } from './underlay-watch.js';

interface UpOptions {
  file: string;
  /** In place of `engine: auto`. */
  engine?: Engine | undefined;
  /** Return when the tunnel is set up; another process serves the queue. */
  setupOnly: boolean;
  /** Take other associations than those that the tunnel is up with, and the place of the process that runs for it. */
  switching: boolean;
  dryRun: boolean;
  logLevel: LogLevel;
}

interface TunnelContext {
  version: string;
  log: Logger;
  signals: SignalWatch;
}

/**
 * Sets a tunnel up, and stays in the foreground where its engine is the queue or a socket has to be held.
 * @throws ClearDfError of what was refused; or of the step that failed, and then what this run did has been undone
 */
export async function tunnelUp(options: UpOptions, context: TunnelContext): Promise<void> {
  const { log, signals } = context;
  const read = readSite(options.file, options.engine);
  if (options.dryRun) return showChanges(read, options, context);
  requireNetAdmin(['set up tunnel', read.site.name], 'run as root; clear-df tunnel plan and --dry-run need no rights');
  // What sets up and returns speaks for no service: another process is that.
  const supervisor = options.setupOnly ? undefined : Supervisor.take(log);
  const lock = takeTunnelLock(read.site.name);
  const runner = createRunner({ log, stop: signals.stop });
  let foreground: Foreground | undefined;
  let watch: UnderlayWatch | undefined;
  let seals: SealWatch | undefined;
  let turn: Lock | undefined;
  try {
    turn = await takeChangeLock(log, signals.stop);
    const tunnel = await openTunnel(read, { runner, log, check: true, changes: true });
    foreground = await setUp(tunnel, options, context, turn);
    if (read.site.carrier.type === 'tun' && foreground !== undefined) {
      watch = new UnderlayWatch(read.site, { runner, log, facts: tunnel.origin });
    }
    if (foreground !== undefined && hasSeals(tunnel.plan)) {
      seals = new SealWatch(tunnel.plan, { runner, log, facts: tunnel.machine.facts });
    }
  } finally {
    turn?.release();
    lock.release();
  }
  supervisor?.ready(`tunnel ${read.site.name} is up`);
  if (foreground === undefined) return;
  const running = foreground;
  signals.attend({
    reload: () => {
      running.reload();
      void seals?.look();
    },
    ignored: (signal) => log.info({ signal }, `${signal} is ignored: HUP looks at the rules, TERM ends`),
  });
  const reason = await signals.stopped;
  supervisor?.stopping();
  watch?.stop();
  await seals?.stop();
  await running.stop(reason);
  const until = `it stays set up until clear-df tunnel down ${options.file}`;
  log.info(`${running.missing} for ${read.site.name} now; ${until}`);
}

/**
 * What stands in the way of a plan: objects of others, wishes of other tunnels, another version of the file.
 * @returns entries of the journal that go, once the plan is applied
 * @throws ClearDfError CONFLICT
 */
export function refuseConflicting(tunnel: OpenTunnel, switching: boolean): Entry[] {
  const { plan, journal, machine, site } = tunnel;
  refuseUsedKeys(plan, journal, machine.facts);
  refuseConflicts(plan.items, machine.facts, site);
  refuseOtherWishes(plan.items, machine.facts, site, neighboursOf(tunnel));
  return refuseOtherPlan(plan, journal, switching);
}

/** @param turn given back as soon as nothing is changed any more */
async function setUp(
  tunnel: OpenTunnel,
  options: UpOptions,
  context: TunnelContext,
  turn: Lock,
): Promise<Foreground | undefined> {
  const { site, plan, machine, journal, others, text } = tunnel;
  const { log, signals } = context;
  const stays = staysInForeground(plan) && !options.setupOnly;
  const stale = refuseConflicting(tunnel, options.switching);
  // Before anything is adopted: the associations that go away are known to the plan that made them.
  const former = { items: stale.length === 0 ? [] : (plannedAgain(journal, machine.facts)?.items ?? []), stale };
  const replaced = options.switching && !options.setupOnly ? runningMangler(journal) : undefined;
  if (replaced !== undefined) await endMangler(journal, log, signals.stop);
  if (stays) refuseRunning(site, journal);
  if (stays && plan.mangler !== undefined) refuseTakenQueues(site);
  const socket = stays && plan.socket !== undefined ? openSocket(plan.socket, site, log) : undefined;
  const { site: before, before: abilities } = journal;
  const steps: Steps = { machine, journal, others, log, stopping: () => signals.stopping };
  let changes: Change[] = [];
  let service: Run | undefined;
  try {
    signals.onHaste(() => leftBehind(journal, options.file));
    announce(plan, tunnel, log);
    // The plan that the journal's entries belong to, before the first of them.
    journal.adopt(text, tunnel.origin);
    changes = await applyItems(plan.items, steps);
    if (changes.length === 0 && stale.length === 0) log.info(`${site.name}: everything is set up already`);
    service = stays ? await startMangler(tunnel, options, context) : undefined;
    if (stays) journal.manglesIn(thisProcess());
  } catch (error) {
    await service?.stop('the journal cannot be written').catch((cause: unknown) => log.error(String(cause)));
    socket?.close();
    await rollBack(changes, steps);
    // What is left is what the earlier file has made.
    if (stale.length > 0) journal.adopt(before, abilities);
    if (replaced !== undefined) log.warn(`nothing runs for ${site.name} now: put the earlier file back, and run up`);
    throw error;
  }
  await retireFormer(former, steps);
  turn.release();
  // Rules and queues are there by now: the first frames need both.
  await awaitIke(tunnel, log, signals.stop);
  log.info(`tunnel ${site.name} is up: ${summary(plan, stays, journal)}`);
  return stays ? new Foreground(log, service, socket) : undefined;
}

/** The old associations, once the new ones are there: what comes with the old ones until then is still opened. */
async function retireFormer(
  { items, stale }: { items: Plan['items']; stale: readonly Entry[] },
  steps: Steps,
): Promise<void> {
  if (stale.length === 0) return;
  const left = await removeStale(stale, items, steps);
  const { log, journal } = steps;
  if (left > 0) log.warn(`${left} old associations are left; clear-df tunnel down removes them`);
  else log.info(`${journal.name} has switched: ${stale.length} old associations are removed`);
}

/** Rules and queues are the mangler's own; it takes them away itself when it ends, or fails to begin. */
async function startMangler(
  { site, plan: { mangler } }: OpenTunnel,
  { logLevel }: UpOptions,
  { log, signals, version }: TunnelContext,
): Promise<Run | undefined> {
  if (mangler === undefined) return undefined;
  return Run.start(manglerOptions(site, mangler, logLevel), { version, signals, log }, log);
}

/** What is about to be cut is said before it is; what is as wanted already cuts nothing. */
function announce({ items, cuts, notes, engine, engineReason }: Plan, { machine }: OpenTunnel, log: Logger): void {
  const open = items.filter((item) => item.status(machine.facts).state !== 'in-sync');
  if (open.length === 0) return;
  log.info({ engine }, `engine ${engine}: ${engineReason}`);
  // Associations alone change nothing else.
  if (open.some(({ kind }) => kind !== 'xfrm-state')) for (const cut of cuts) log.warn(`about to cut: ${cut}`);
  for (const note of notes) log.info(`note: ${note}`);
}

function summary({ site, engine, mangler, socket }: Plan, stays: boolean, journal: Journal): string {
  const { tunnel, bridge, local, remote, carrier, queues } = site;
  const parts = [
    `${tunnel.name} from ${local} to ${remote}, carrier ${carrier.type}`,
    `bridged with ${bridge.ports.join(', ')} in ${bridge.name}`,
    `engine ${engine}${stays && mangler !== undefined ? `, queue ${rangeText(queues)}` : ''}`,
  ];
  if (!stays && runningMangler(journal) === undefined) {
    const command = `clear-df tunnel up ${site.file}`;
    if (mangler !== undefined) parts.push(`nothing mangles yet: ${command}`);
    if (socket !== undefined) {
      const what = `UDP socket ${addressOf(socket)} with UDP_ENCAP set`;
      parts.push(`no ESP arrives until something holds ${what}: ${command}`);
    }
  }
  return parts.join('; ');
}

/** Prints the commands that would be given now; those of later steps as if the earlier ones had not changed anything. */
async function showChanges(
  read: SiteFile,
  { switching }: UpOptions,
  { log, signals: { stop } }: TunnelContext,
): Promise<void> {
  const shown: ShownChange[] = [];
  const runner = createRunner({ log, stop, dryRun: true, print: (change) => shown.push(change) });
  const tunnel = await openTunnel(read, { runner, log, check: true });
  const { plan, machine } = tunnel;
  const stale = refuseConflicting(tunnel, switching);
  for (const cut of plan.cuts) log.warn(`would cut: ${cut}`);
  for (const item of plan.items) {
    if (item.status(machine.facts).state === 'in-sync') continue;
    process.stdout.write(`# ${item.desired}\n`);
    for (const command of item.apply(machine.facts)) await perform(runner, command, log);
    for (const { text } of shown.splice(0)) process.stdout.write(`${text}\n`);
  }
  for (const { desired, undo } of [...stale].reverse()) {
    process.stdout.write(`# no longer: ${desired}\n${undo.map((command) => `${commandText(command)}\n`).join('')}`);
  }
}

function leftBehind({ entries, name }: Journal, file: string): string | undefined {
  return entries.length === 0 ? undefined : `tunnel ${name} is left as it is: clear-df tunnel down ${file}`;
}
