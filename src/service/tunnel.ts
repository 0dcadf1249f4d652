/**
 * The verbs of `clear-df tunnel`. Road of each: file → site → facts → plan, and then what the verb is for.
 */
import path from 'node:path';
import { ClearDfError, usageError } from '../errors.js';
import { createRunner } from '../host/exec.js';
import { writeNewSecrets } from '../host/tunnel/keys.js';
import type { Logger } from '../log.js';
import { commandText, planText } from '../tunnel/plan-text.js';
import { newSecrets } from '../tunnel/secrets.js';
import { ENGINES } from '../tunnel/site.js';
import { unitText } from '../tunnel/unit-text.js';
import { openTunnel, type OpenTunnel, readSite } from './tunnel/open.js';

export { tunnelIke } from './tunnel/ike-text.js';
export { tunnelDown } from './tunnel/down.js';
export { readSite } from './tunnel/open.js';
export { statusText, tunnelStatus } from './tunnel/status.js';
export { tunnelUp } from './tunnel/up.js';

/**
 * What `up` would do, as a script with reasons, or as JSON.
 * @throws ClearDfError of whatever `up` would refuse
 */
export async function tunnelPlan(file: string, { json }: { json: boolean }, log: Logger): Promise<string> {
  const tunnel = await open(file, log);
  if (!json) return planText(tunnel.plan, tunnel.machine.facts);
  return `${JSON.stringify(planObject(tunnel), null, 2)}\n`;
}

function planObject({ plan, machine: { facts } }: OpenTunnel) {
  const { site, engine, engineReason, items, mangler, socket, sizes, cuts, notes } = plan;
  return {
    name: site.name,
    file: site.file,
    engine,
    engineReason,
    can: facts.can,
    evidence: facts.evidence,
    items: items.map((item) => {
      const { key, kind, wanted, reason } = item;
      const standing = item.standing(facts);
      const commands = standing.state === 'not-so' ? item.make(facts).map(commandText) : [];
      return { key, kind, wanted, reason, standing, commands };
    }),
    mangler,
    socket,
    sizes,
    cuts,
    notes,
  };
}

/**
 * A systemd unit.
 * @param command the program as it was started, absolute
 * @throws ClearDfError USAGE where the engine is left to chance
 */
export async function tunnelUnit(file: string, command: string, log: Logger): Promise<string> {
  const { plan } = await open(file, log);
  const { site, engine } = plan;
  if (site.engine === 'auto') {
    // What a unit has to be differs from engine to engine, and auto may choose another one at the next boot.
    const accepted = `a fixed engine in a unit: ${ENGINES.join(', ')}`;
    throw usageError(site.place('engine'), 'auto', accepted, `auto takes ${engine} here now: engine: ${engine}`);
  }
  return unitText(plan, { command, file: path.resolve(file) });
}

/**
 * Writes the key file that a site names.
 * @returns its path
 * @throws ClearDfError USAGE when the site has no keys of its own, CONFLICT when the file is there
 */
export function tunnelKeys(file: string): string {
  const { site } = readSite(file);
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
    return readSite(file).site.name;
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    const hint = 'down needs only the name: clear-df tunnel down --name NAME';
    throw new ClearDfError({ ...error, reason: error.reason, hint, cause: error });
  }
}

function open(file: string, log: Logger): Promise<OpenTunnel> {
  return openTunnel(readSite(file), { runner: createRunner({ log }), log, check: true });
}
