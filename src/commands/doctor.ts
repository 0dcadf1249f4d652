/** What `clear-df doctor` does: reads the machine, asks a running clear-df, judges. Changes nothing. */
import path from 'node:path';
import { type Finding } from '../doctor/finding.js';
import { examine } from '../doctor/examine.js';
import type { Daemon } from '../doctor/machine.js';
import { readMachine } from '../host/doctor.js';
import { createRunner } from '../host/exec.js';
import { readTextFile } from '../host/text-file.js';
import { adviceOn } from '../report/advice.js';
import { DEFAULT_LISTEN, type Listen, parseFrom, urlOf } from '../report/listen.js';
import { readSnapshot } from '../report/read.js';
import { parseSite } from '../tunnel/site-file.js';

/** A refusal comes at once where nobody listens; an answer may take a while on a machine that is ill. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Reads the file, and returns what looks at the machine: as often as one likes.
 * @param file a site file; the checks of that site are made as well
 * @param from where a running clear-df serves its statistics
 * @param stop ends the command that looks, and the wait for an answer
 * @throws ClearDfError USAGE when the file is refused
 */
export function doctorOf(
  file?: string,
  from: Listen = parseFrom(DEFAULT_LISTEN),
  stop?: AbortSignal,
): () => Promise<Finding[]> {
  const site =
    file === undefined
      ? undefined
      : parseSite(readTextFile(file, siteFile(file)), file, path.dirname(path.resolve(file)));
  const runner = createRunner({ log: { debug: () => undefined }, stop });
  return async () => {
    const [machine, daemon] = await Promise.all([readMachine(runner, site), askDaemon(from, stop)]);
    return examine({ ...machine, daemon }, site);
  };
}

function siteFile(file: string): { object: string; accepted: string } {
  return { object: `'${file}'`, accepted: 'a readable YAML file of at most 1 MiB' };
}

/** Undefined when nothing, or something else, answers. */
async function askDaemon(from: Listen, stop: AbortSignal | undefined): Promise<Daemon | undefined> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), ...(stop === undefined ? [] : [stop])]);
    const response = await fetch(`${urlOf(from)}/stats`, { signal, redirect: 'error' });
    const snapshot = response.ok ? readSnapshot(await response.json()) : undefined;
    if (snapshot === undefined) return undefined;
    const { packets, leaked, overrun } = snapshot.totals;
    return { version: snapshot.version, packets, leaked, overrun, advice: adviceOn(snapshot) };
  } catch {
    return undefined;
  }
}
