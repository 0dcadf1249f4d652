/** `clear-df tunnel up`: everything that can be refused, then the changes, then the mangler. */
import { type Change as ShownChange, createRunner } from '../../host/exec.js';
import { thisProcess } from '../../host/process.js';
import { applyItems, refuseConflicts } from '../../host/tunnel/apply.js';
import { changingKeys } from '../../host/tunnel/former.js';
import type { Journal } from '../../host/tunnel/journal.js';
import type { Lock } from '../../host/lock.js';
import { takeTunnelLock } from '../../host/tunnel/paths.js';
import { perform } from '../../host/tunnel/perform.js';
import { removeFormer } from '../../host/tunnel/remove-unwanted.js';
import { rollBack } from '../../host/tunnel/roll-back.js';
import { snapshotAfter } from '../../host/tunnel/snapshot.js';
import type { Change, Steps } from '../../host/tunnel/steps.js';
import { refuseOtherWishes } from '../../host/tunnel/shared.js';
import { Supervisor } from '../../host/supervisor.js';
import { takeChangeLock } from '../../host/tunnel/change-lock.js';
import { locateSite } from '../../host/tunnel/locate.js';
import { neighboursOf, openTunnel, type OpenTunnel, type SiteFile } from '../../host/tunnel/open.js';
import type { LogLevel, Logger } from '../../log.js';
import { rangeText } from '../../net/queue-range.js';
import { requireNetAdmin } from '../rights.js';
import { Run } from '../run.js';
import { cutsOfDifference, stepCommands } from '../../tunnel/difference.js';
import { linkOf } from '../../tunnel/facts.js';
import { type Plan, staysInForeground } from '../../tunnel/plan.js';
import { unwantedText } from '../../tunnel/plan-text.js';
import { type Engine, remotesOf } from '../../tunnel/site/site.js';
import type { OwnCommand } from '../../tunnel/unit-text.js';
import type { SignalWatch } from '../signals.js';
import { Foreground } from './foreground.js';
import { awaitIke } from './ike-wait.js';
import { endMangler, refuseRunning, refuseTakenQueues, runningMangler } from './mangler.js';
import { manglerOptions } from './mangler-options.js';
import { lookedUp, NameWatch } from './name-watch.js';
import { refuseUsedKeys } from './used-keys.js';
import { addressOf, openSocket } from './socket.js';
import { hasSeals, SealWatch } from './seal-watch.js';
import { type Takeover, takeover, takeoverCuts } from './takeover.js';
import { UnderlayWatch } from './underlay-watch.js';

interface UpOptions {
  file: string;
  /** In place of `engine: auto`. */
  engine?: Engine | undefined;
  /** Return when the tunnel is set up; another process serves the queue. */
  setupOnly: boolean;
  dryRun: boolean;
  logLevel: LogLevel;
}

interface TunnelContext {
  version: string;
  /** What starts clear-df, for changes while the tunnel is up. */
  own: OwnCommand;
  log: Logger;
  signals: SignalWatch;
}

/**
 * Sets a tunnel up, and stays in the foreground where its engine is the queue or a socket has to be held.
 * @throws ClearDfError of what was refused; or of the step that failed, and then what this run did has been undone
 */
export async function tunnelUp(options: UpOptions, context: TunnelContext): Promise<void> {
  const { log, signals } = context;
  const runner = createRunner({ log, stop: signals.stop });
  const read = await locateSite(options.file, { runner, log }, options.engine);
  if (options.dryRun) return showChanges(read, options, context);
  requireNetAdmin(['set up tunnel', read.site.name], 'run as root; clear-df tunnel plan and --dry-run need no rights');
  // What sets up and returns speaks for no service: another process is that.
  const supervisor = options.setupOnly ? undefined : Supervisor.take(log);
  const lock = takeTunnelLock(read.site.name);
  let foreground: Foreground | undefined;
  let watch: UnderlayWatch | undefined;
  let seals: SealWatch | undefined;
  let names: NameWatch | undefined;
  let turn: Lock | undefined;
  try {
    turn = await takeChangeLock(log, signals.stop);
    const tunnel = await openTunnel(read, { runner, log, check: true, changes: true });
    foreground = await setUp(tunnel, options, context, turn);
    if (read.site.carrier.type === 'tun' && foreground !== undefined) {
      watch = new UnderlayWatch(read.site, { runner, log, facts: tunnel.origin });
    }
    if (foreground !== undefined && read.site.lookedUp !== undefined) {
      names = new NameWatch(options.file, read, { runner, log, own: context.own });
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
  names?.stop();
  await seals?.stop();
  await running.stop(reason);
  const until = `it stays set up until clear-df tunnel down ${options.file}`;
  log.info(`${running.missing} for ${read.site.name} now; ${until}`);
}

/**
 * What stands in the way of a plan: objects of others, wishes of other tunnels, keys that have been used, a process that may
 * not be ended.
 * @returns what becomes of the process that runs for the tunnel
 * @throws ClearDfError CONFLICT
 */
export function refuseConflicting(tunnel: OpenTunnel, setupOnly: boolean): Takeover {
  const { plan, journal, machine, site, difference } = tunnel;
  refuseUsedKeys(plan, journal, machine.facts);
  refuseConflicts(plan.items, machine.facts, site, difference);
  refuseOtherWishes(plan.items, machine.facts, site, neighboursOf(tunnel));
  return takeover(tunnel, setupOnly);
}

/** @param turn given back as soon as nothing is changed any more */
async function setUp(
  tunnel: OpenTunnel,
  options: UpOptions,
  context: TunnelContext,
  turn: Lock,
): Promise<Foreground | undefined> {
  const { site, plan, machine, journal, others, text, former, difference } = tunnel;
  const { log, signals } = context;
  const task = refuseConflicting(tunnel, options.setupOnly);
  const stays = staysInForeground(plan) && !options.setupOnly && !task.keeps;
  if (stays && task.replaces === undefined) refuseRunning(site, journal);
  if (stays && plan.mangler !== undefined) refuseTakenQueues(site, task.replaces);
  const end = () => endMangler(journal, log, signals.stop);
  announce(tunnel, task, log);
  if (task.first) await end();
  const socket = stays && plan.socket !== undefined ? openSocket(plan.socket, site, log) : undefined;
  const steps: Steps = {
    machine,
    journal,
    others,
    log,
    stopping: () => signals.stopping,
    former,
    origin: tunnel.origin,
  };
  let changes: Change[] = [];
  let service: Run | undefined;
  let ended = task.first;
  try {
    signals.onHaste(() => leftBehind(journal, options.file));
    // The plan that the journal's entries belong to, before the first of them.
    const before = former === undefined ? journal.before : snapshotAfter(journal.before, tunnel.origin);
    journal.adopt(text, before, changingKeys(plan.items, machine.facts, difference));
    changes = await applyItems(plan.items, steps);
    if (task.replaces !== undefined && !ended) ended = await end();
    service = stays ? await startMangler(tunnel, options, context) : undefined;
    if (stays) journal.manglesIn(thisProcess());
  } catch (error) {
    await service?.stop('the journal cannot be written').catch((cause: unknown) => log.error(String(cause)));
    socket?.close();
    await rollBack(changes, plan.items, steps);
    if (ended) log.warn(`nothing runs for ${site.name} now: put the earlier file back, and run up`);
    throw error;
  }
  const removed = await removeFormer(plan.items, steps);
  if (changes.length + removed === 0) log.info(`${site.name}: everything is set up already`);
  if (task.keeps) log.info(`process ${runningMangler(journal)?.pid ?? ''} goes on for ${site.name}`);
  turn.release();
  // Rules and queues are there by now: the first frames need both.
  await awaitIke(tunnel, log, signals.stop);
  log.info(`tunnel ${site.name} is up: ${summary(plan, stays, journal)}`);
  return stays ? new Foreground(log, service, socket, lookedUp(tunnel)) : undefined;
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
function announce(tunnel: OpenTunnel, task: Takeover, log: Logger): void {
  const { plan, machine, difference } = tunnel;
  const pending = plan.items.filter((item) => item.status(machine.facts).state !== 'in-sync');
  if (pending.length === 0 && difference.unwanted.length === 0) return;
  log.info({ engine: plan.engine }, `engine ${plan.engine}: ${plan.engineReason}`);
  for (const cut of cutsNow(tunnel, task)) log.warn(`about to cut: ${cut}`);
  for (const note of plan.notes) log.info(`note: ${note}`);
}

/** Of a tunnel that is up from another version of the file, what the difference cuts. */
export function cutsNow(tunnel: OpenTunnel, task: Takeover | undefined): readonly string[] {
  const { plan, former, machine, difference } = tunnel;
  if (former === undefined) return plan.cuts;
  const { tunnel: device, mtu } = plan.site;
  const smaller = (linkOf(machine.facts, device.name)?.mtu ?? 0) > mtu;
  const before = former.plan?.cuts ?? [];
  return [
    ...plan.cuts.filter((cut) => !before.includes(cut)),
    ...(smaller ? [`packets of more than ${mtu} bytes from host to host`] : []),
    ...cutsOfDifference(plan.items, machine.facts, difference),
    ...(task === undefined ? [] : takeoverCuts(task, tunnel)),
  ];
}

function summary({ site, engine, mangler, socket }: Plan, stays: boolean, journal: Journal): string {
  const { tunnel, bridge, local, carrier, queues } = site;
  const parts = [
    `${tunnel.name} from ${local} to ${remotesOf(site).join(', ')}, carrier ${carrier.type}`,
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
  { setupOnly }: UpOptions,
  { log, signals: { stop } }: TunnelContext,
): Promise<void> {
  const shown: ShownChange[] = [];
  const runner = createRunner({ log, stop, dryRun: true, print: (change) => shown.push(change) });
  const tunnel = await openTunnel(read, { runner, log, check: true });
  const { plan, machine, difference } = tunnel;
  const task = refuseConflicting(tunnel, setupOnly);
  for (const cut of cutsNow(tunnel, task)) log.warn(`would cut: ${cut}`);
  for (const item of plan.items) {
    const commands = stepCommands(item, machine.facts, difference);
    if (commands.length === 0) continue;
    process.stdout.write(`# ${item.desired}\n`);
    for (const command of commands) await perform(runner, command, log);
    for (const { text } of shown.splice(0)) process.stdout.write(`${text}\n`);
  }
  if (task.replaces !== undefined) process.stdout.write(`kill -TERM ${task.replaces.pid}\n`);
  process.stdout.write(unwantedText(difference));
}

function leftBehind({ entries, name }: Journal, file: string): string | undefined {
  return entries.length === 0 ? undefined : `tunnel ${name} is left as it is: clear-df tunnel down ${file}`;
}
