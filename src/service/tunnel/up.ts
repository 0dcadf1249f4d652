/** `clear-df tunnel up`: everything that can be refused, then the changes, then the mangler. */
import { ClearDfError } from '../../errors.js';
import { netAdmin } from '../../host/capabilities.js';
import { type Change as ShownChange, createRunner } from '../../host/exec.js';
import { thisProcess } from '../../host/process.js';
import { applyItems, type Change, refuseInTheWay, rollBack, type Steps } from '../../host/tunnel/apply.js';
import type { Journal } from '../../host/tunnel/journal.js';
import { takeLock } from '../../host/tunnel/lock.js';
import { perform } from '../../host/tunnel/perform.js';
import type { LogLevel, Logger } from '../../log.js';
import { rangeText } from '../../net/queue-range.js';
import { Service } from '../../service.js';
import type { Plan } from '../../tunnel/plan.js';
import type { SignalWatch } from '../signals.js';
import { manglerOptions, refuseTakenQueues, runningMangler } from './mangler.js';
import { openTunnel, type OpenTunnel, readSite, type SiteFile } from './open.js';

export interface UpOptions {
  file: string;
  /** Return when the tunnel is set up; the mangler is somebody else's business. */
  setupOnly: boolean;
  dryRun: boolean;
  logLevel: LogLevel;
}

export interface TunnelContext {
  version: string;
  log: Logger;
  signals: SignalWatch;
}

/**
 * Sets a tunnel up, and mangles in the foreground where its engine is the queue.
 * @throws ClearDfError of what was refused; or of the step that failed, and then what this run did has been undone
 */
export async function tunnelUp(options: UpOptions, context: TunnelContext): Promise<void> {
  const { log, signals } = context;
  const read = readSite(options.file);
  if (options.dryRun) return showChanges(read, log);
  requireNetAdmin(read.site.name);
  const lock = takeLock(read.site.name);
  let service: Service | undefined;
  try {
    const tunnel = await openTunnel(read, { runner: createRunner({ log }), log, check: true });
    service = await setUp(tunnel, options, context);
  } finally {
    lock.release();
  }
  if (service === undefined) return;
  const running = service;
  signals.attend({
    reload: () => void running.reload(),
    ignored: (signal) => log.info({ signal }, `${signal} is ignored: HUP looks at the rules, TERM ends`),
  });
  await running.stop(await signals.stopped);
  log.info(`nothing mangles for ${read.site.name} now; it stays set up until clear-df tunnel down ${options.file}`);
}

async function setUp(
  tunnel: OpenTunnel,
  options: UpOptions,
  { log, signals, version }: TunnelContext,
): Promise<Service | undefined> {
  const { site, plan, machine, journal, text } = tunnel;
  const mangles = plan.mangler !== undefined && !options.setupOnly;
  refuseInTheWay(plan.items, machine.facts, site);
  refuseOtherPlan(plan, journal);
  if (mangles) refuseTakenQueues(site, journal);
  const steps: Steps = { machine, journal, log, stopping: () => signals.stopping };
  signals.onHaste(() => leftBehind(journal, options.file));
  announce(plan, tunnel, log);
  // The plan that the journal's entries belong to, before the first of them.
  journal.adopt(text, tunnel.origin);
  const changes = await applyItems(plan.items, steps);
  if (changes.length === 0) log.info(`${site.name}: everything is set up already`);
  const service = mangles ? await startMangler(changes, tunnel, steps, options, { log, signals, version }) : undefined;
  log.info(`tunnel ${site.name} is up: ${summary(plan, service !== undefined, journal)}`);
  return service;
}

/** Rules and queues are the mangler's own; it takes them away itself when it ends, or fails to begin. */
async function startMangler(
  changes: readonly Change[],
  { site, plan: { mangler }, journal }: OpenTunnel,
  steps: Steps,
  { logLevel }: UpOptions,
  { log, signals, version }: TunnelContext,
): Promise<Service | undefined> {
  if (mangler === undefined) return undefined;
  let service: Service | undefined;
  try {
    service = await Service.start(manglerOptions(site, mangler, logLevel), { version, signals, log }, log);
    journal.manglesIn(thisProcess());
    return service;
  } catch (error) {
    await service?.stop('the journal cannot be written').catch((cause: unknown) => log.error(String(cause)));
    await rollBack(changes, steps);
    throw error;
  }
}

/** What is about to be cut is said before it is; what is as wanted already cuts nothing. */
function announce({ items, cuts, notes, engine, engineReason }: Plan, { machine }: OpenTunnel, log: Logger): void {
  if (items.every((item) => item.standing(machine.facts).state === 'so')) return;
  log.info({ engine }, `engine ${engine}: ${engineReason}`);
  for (const cut of cuts) log.warn(`about to cut: ${cut}`);
  for (const note of notes) log.info(`note: ${note}`);
}

function summary({ site, engine, mangler }: Plan, mangles: boolean, journal: Journal): string {
  const { tunnel, bridge, local, remote, carrier, queues } = site;
  const parts = [
    `${tunnel.name} from ${local} to ${remote}, carrier ${carrier.type}`,
    `bridged with ${bridge.ports.join(', ')} in ${bridge.name}`,
    `engine ${engine}${mangles ? `, queue ${rangeText(queues)}` : ''}`,
  ];
  if (mangler !== undefined && !mangles && runningMangler(journal) === undefined) {
    parts.push(`nothing mangles yet: clear-df tunnel up ${site.file}`);
  }
  return parts.join('; ');
}

/** What an earlier plan made and this one does not know would be nobody's. */
function refuseOtherPlan({ items, site }: Plan, journal: Journal): void {
  const other = journal.entries.find(({ key, undo }) => undo.length > 0 && !items.some((item) => item.key === key));
  if (other === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'set up tunnel',
    object: `${site.name} (${site.file})`,
    reason: `it is up, or half up, from another version of the file, which wanted: ${other.wanted}`,
    hint: `clear-df tunnel down ${site.file}, then up again`,
  });
}

/** Prints the commands that would be given now; those of later steps as if the earlier ones had not changed anything. */
async function showChanges(read: SiteFile, log: Logger): Promise<void> {
  const shown: ShownChange[] = [];
  const runner = createRunner({ log, dryRun: true, print: (change) => shown.push(change) });
  const tunnel = await openTunnel(read, { runner, log, check: true });
  const { plan, machine, site } = tunnel;
  refuseInTheWay(plan.items, machine.facts, site);
  refuseOtherPlan(plan, tunnel.journal);
  for (const cut of plan.cuts) log.warn(`would cut: ${cut}`);
  for (const item of plan.items) {
    if (item.standing(machine.facts).state === 'so') continue;
    process.stdout.write(`# ${item.wanted}\n`);
    for (const command of item.make(machine.facts)) await perform(runner, command, log);
    for (const { text } of shown.splice(0)) process.stdout.write(`${text}\n`);
  }
}

function leftBehind({ entries, name }: Journal, file: string): string | undefined {
  return entries.length === 0 ? undefined : `tunnel ${name} is left as it is: clear-df tunnel down ${file}`;
}

function requireNetAdmin(name: string): void {
  if (netAdmin() !== 'no') return;
  throw new ClearDfError({
    code: 'PRIVILEGE',
    operation: 'set up tunnel',
    object: name,
    reason: 'this process does not have CAP_NET_ADMIN',
    errno: 'EPERM',
    hint: 'run as root; clear-df tunnel plan and --dry-run need no rights',
  });
}
