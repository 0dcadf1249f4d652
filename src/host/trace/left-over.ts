/** What a killed trace has left behind: its rules, its readers, and the logger that it changed. */
import { readSysctl, writeSysctl } from '../sysctl.js';
import type { Runner } from '../exec.js';
import { stillRuns } from '../process.js';
import { signalGroup } from '../program.js';
import { readDeadJournal, type TraceJournal } from './journal.js';
import { takeMarksAway } from './marks.js';

/** What TRACE of iptables-legacy is logged by; IPv4's number is NFPROTO_IPV4. */
export const LOGGER = 'net/netfilter/nf_log/2';

/**
 * Puts everything back, also where the journal is gone: rules are known by their names. For the holder of the trace's
 * lock, so that whoever's marks are found has ended.
 * @returns whether there was anything
 */
export async function sweepTraces(runner: Runner): Promise<boolean> {
  const dead = readDeadJournal();
  if (dead !== undefined) await settleJournal(runner, dead);
  const marks = await takeMarksAway(runner, () => true);
  return marks || dead !== undefined;
}

/** Ends the readers and puts the logger back. */
export async function settleJournal(runner: Runner, { readers, logger }: TraceJournal): Promise<void> {
  for (const reader of readers.filter(stillRuns)) {
    await runner.effect(`kill -- -${reader.pid}`, () => signalGroup(reader.pid, 'SIGTERM'));
  }
  if (logger !== undefined && readSysctl(LOGGER) !== logger) await writeSysctl(runner, LOGGER, logger);
}
