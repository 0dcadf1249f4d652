/** What `clear-df doctor` does: reads the machine, asks a running clear-df, judges. Changes nothing. */
import { type Finding } from '../doctor/finding.js';
import { examine } from '../doctor/examine.js';
import type { Daemon } from '../doctor/machine.js';
import { readMachine } from '../host/doctor.js';
import { createRunner, type Runner } from '../host/exec.js';
import { adviceOn } from '../report/advice.js';
import { DEFAULT_LISTEN, type Listen, parseFrom } from '../report/listen.js';
import type { Site } from '../tunnel/site/site.js';
import { runningSnapshot } from './answer.js';

/**
 * Reads the file, and returns what looks at the machine: as often as one likes.
 * @param file a site file; the checks of that site are made as well
 * @param from where a running clear-df serves its statistics
 * @param stop ends the command that looks, and the wait for an answer
 * @throws ClearDfError USAGE when the file is refused
 */
export async function doctorOf(
  file?: string,
  from: Listen = parseFrom(DEFAULT_LISTEN),
  stop?: AbortSignal,
): Promise<() => Promise<Finding[]>> {
  const runner = createRunner({ log: { debug: () => undefined }, stop });
  const site = file === undefined ? undefined : await siteOf(file, runner);
  return async () => {
    const [machine, daemon] = await Promise.all([readMachine(runner, site), askDaemon(from, stop)]);
    return examine({ ...machine, daemon }, site);
  };
}

async function siteOf(file: string, runner: Runner): Promise<Site> {
  // What reads YAML is half of all that the doctor would load.
  const { locateSite } = await import('../host/tunnel/locate.js');
  // What the tunnel is up with serves as well.
  const log = { warn: () => undefined };
  return (await locateSite(file, { runner, log })).site;
}

/** Undefined when nothing, or something else, answers. */
async function askDaemon(from: Listen, stop: AbortSignal | undefined): Promise<Daemon | undefined> {
  const snapshot = await runningSnapshot(from, stop);
  if (snapshot === undefined) return undefined;
  const { packets, leaked, overrun } = snapshot.totals;
  return { version: snapshot.version, packets, leaked, overrun, advice: adviceOn(snapshot) };
}
