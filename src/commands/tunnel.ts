/**
 * `clear-df tunnel plan`, `unit`, `keys`, `name`: file → site → facts → plan, and then what the verb is for. What changes or
 * watches a tunnel has a file of its own in `tunnel/`.
 */
import path from 'node:path';
import { ClearDfError, usageError } from '../errors.js';
import { inputNotes } from '../doctor/site-input.js';
import { netAdmin } from '../host/read/rights.js';
import { readKernel } from '../host/read/modules.js';
import { readRulesets } from '../host/doctor/rulesets.js';
import { createRunner } from '../host/exec.js';
import { installFile } from '../host/install-file.js';
import { writeNewSecrets } from '../host/tunnel/keys.js';
import { draftOf, locateSite, readSite } from '../host/tunnel/locate.js';
import { openTunnel, type OpenTunnel, readSiteText } from '../host/tunnel/open.js';
import type { Logger } from '../log.js';
import { commandText, planText } from '../tunnel/plan-text.js';
import { type Difference, stepCommands } from '../tunnel/difference.js';
import { newSecrets } from '../tunnel/secrets.js';
import { openEnds } from '../tunnel/site/open-ends.js';
import { ENGINES, type Site } from '../tunnel/site/site.js';
import { type OwnCommand, unitText } from '../tunnel/unit-text.js';
import type { Takeover } from './tunnel/takeover.js';
import { cutsNow, refuseConflicting } from './tunnel/up.js';

interface PlanOutput {
  text: string;
  /** Why `up` would refuse it: something on this machine stands in the way, which the text shows. */
  conflict: ClearDfError | undefined;
}

/**
 * What `up` would do, as a script with reasons, or as JSON.
 * @param stop ends the command that looks at the machine
 * @throws ClearDfError of whatever `up` would refuse before there is a plan
 */
export async function tunnelPlan(
  file: string,
  { json }: { json: boolean },
  log: Logger,
  stop?: AbortSignal,
): Promise<PlanOutput> {
  const opened = await open(file, log, stop);
  const firewall = await readRulesets(createRunner({ log, stop }), readKernel());
  const notes = [...opened.plan.notes, ...inputNotes(firewall, opened.site)];
  const tunnel = { ...opened, plan: { ...opened.plan, notes } };
  const { task, conflict } = conflictOf(tunnel);
  const cuts = cutsNow(tunnel, task);
  const live = tunnel.former && { difference: tunnel.difference, cuts };
  const text = json
    ? `${JSON.stringify(planObject(tunnel, cuts), null, 2)}\n`
    : planText(tunnel.plan, tunnel.machine.facts, live);
  return { text, conflict };
}

function conflictOf(tunnel: OpenTunnel): { task?: Takeover; conflict: ClearDfError | undefined } {
  try {
    return { task: refuseConflicting(tunnel, false), conflict: undefined };
  } catch (error) {
    if (error instanceof ClearDfError) return { conflict: error };
    throw error;
  }
}

function planObject(tunnel: OpenTunnel, cuts: readonly string[]) {
  const { plan, machine, difference, former } = tunnel;
  const { facts } = machine;
  const { site, engine, engineReason, items, mangler, socket, sizes, notes } = plan;
  return {
    name: site.name,
    file: site.file,
    engine,
    engineReason,
    can: facts.can,
    evidence: facts.evidence,
    items: items.map((item) => {
      const { key, kind, desired, reason } = item;
      const status = item.status(facts);
      const commands = stepCommands(item, facts, difference).map(commandText);
      return { key, kind, desired, reason, status, commands };
    }),
    mangler,
    socket,
    ...(former === undefined ? {} : { removed: removedObjects(difference) }),
    sizes,
    cuts,
    notes,
  };
}

/** What an earlier version of the file has made, and this one does not want. */
function removedObjects({ unwanted }: Difference) {
  return [...unwanted]
    .reverse()
    .map(({ key, kind, desired, undo }) => ({ key, kind, desired, commands: undo.map(commandText) }))
    .filter(({ commands }) => commands.length > 0);
}

/**
 * The text of a systemd unit. Where the file leaves the engine open, the unit has the one that works here now.
 * @param stop ends the command that looks at the machine; then there is none
 * @throws ClearDfError PRIVILEGE where only root can find the engine out; of whatever `up` would refuse
 */
export async function tunnelUnit(file: string, command: OwnCommand, log: Logger, stop?: AbortSignal): Promise<string> {
  const runner = createRunner({ log, stop });
  const read = await locateSite(file, { runner, log });
  const fixed = read.site.engine === 'auto';
  if (fixed && netAdmin() === 'no') throw noEngine(read.site);
  const { plan } = await openTunnel(read, { runner, log, check: true });
  if (fixed) log.info(`engine: auto takes ${plan.engine} here; the unit names it: ${plan.engineReason}`);
  const text = unitText(plan, { command, file: path.resolve(file), fixed });
  stop?.throwIfAborted();
  return text;
}

/** Writes a unit, whole or not at all. @throws ClearDfError when it cannot be written */
export function writeUnit(file: string, text: string, log: Logger): void {
  installFile(file, '644', text);
  log.info(`wrote ${file}; systemctl enable --now ${path.basename(file, '.service')} starts it, now and at boot`);
}

function noEngine(site: Site): ClearDfError {
  return new ClearDfError({
    code: 'PRIVILEGE',
    operation: 'make a unit of',
    object: site.place('engine'),
    reason: 'which engine works is found by a test, which needs CAP_NET_ADMIN',
    errno: 'EPERM',
    hint: `run as root, or name the engine in the file: ${ENGINES.join(', ')}`,
  });
}

/**
 * Writes the key file that a site names.
 * @returns its path
 * @throws ClearDfError USAGE when the site has no keys of its own, CONFLICT when the file is there
 */
export function tunnelKeys(file: string): string {
  const site = readSite(file);
  const secrets = newSecrets(site);
  if (secrets === undefined) {
    const { carrier } = site;
    const value = 'keys' in carrier ? carrier.keys : carrier.type;
    throw usageError(
      site.place('carrier'),
      value,
      'a carrier with ESP and keys: FILE, or ike with psk: FILE',
      'other carriers need no key file',
    );
  }
  writeNewSecrets(secrets);
  return secrets.file;
}

/** The name of the tunnel that a file describes. @throws ClearDfError that points at `--name` */
export function tunnelName(file: string): string {
  try {
    const text = readSiteText(file);
    return draftOf(text, openEnds(text, file), file).name;
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    const hint = 'down needs only the name: clear-df tunnel down --name NAME';
    throw new ClearDfError({ ...error, reason: error.reason, hint, cause: error });
  }
}

async function open(file: string, log: Logger, stop?: AbortSignal): Promise<OpenTunnel> {
  const runner = createRunner({ log, stop });
  return openTunnel(await locateSite(file, { runner, log }), { runner, log, check: true });
}
