/** The process in the foreground of `up`: who has its queues, and how it is ended. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../../errors.js';
import { holderOf } from '../../host/read/queues.js';
import { type ProcessIdentity, stillRuns } from '../../host/process.js';
import type { Journal } from '../../host/tunnel/journal.js';
import type { Logger } from '../../log.js';
import type { Site } from '../../tunnel/site/site.js';

/** Packets that wait are answered within seconds; a firewall tool may wait for its lock. */
const END_MS = 90_000;
const LOOK_MS = 50;

/** The process that mangles for this tunnel now, or holds its socket. */
export function runningMangler({ mangler }: Journal): ProcessIdentity | undefined {
  return mangler !== undefined && stillRuns(mangler) ? mangler : undefined;
}

/** @throws ClearDfError CONFLICT when a process in the foreground of `up` runs for this tunnel already */
export function refuseRunning({ name, file }: Site, journal: Journal): void {
  const running = runningMangler(journal);
  if (running === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'set up tunnel',
    object: name,
    reason: `it is up, and process ${running.pid} runs for it`,
    hint: `clear-df tunnel status ${file}; --setup-only puts right what differs and leaves that process alone`,
  });
}

/**
 * @param except a process that ends before the queue is bound
 * @throws ClearDfError CONFLICT when someone holds one of the tunnel's queues
 */
export function refuseTakenQueues({ queues, place }: Site, except?: ProcessIdentity): void {
  for (let queue = queues.first; queue <= queues.last; queue += 1) {
    const holder = holderOf(queue);
    if (holder.state !== 'held') continue;
    const { portId, process } = holder;
    if (except !== undefined && process?.pid === except.pid) continue;
    const who =
      process === undefined ? 'a process that does not show here' : `process ${process.pid} (${process.name})`;
    throw new ClearDfError({
      code: 'CONFLICT',
      operation: 'set up tunnel',
      object: `${place('queue')} queue ${queue}`,
      reason: `it is held by port id ${portId}, ${who}`,
      hint: 'nothing was changed; name another queue in the file, or stop that process',
    });
  }
}

/**
 * Tells the mangler to end, and waits until it has, or until `stop`.
 * @returns whether there was one
 * @throws ClearDfError CONFLICT when it does not, or is not ours to stop; RUNTIME at `stop`
 */
export async function endMangler(journal: Journal, log: Logger, stop?: AbortSignal): Promise<boolean> {
  const running = runningMangler(journal);
  if (running === undefined) return false;
  const { pid } = running;
  log.info({ pid }, `telling process ${pid}, which runs for ${journal.name}, to end`);
  try {
    process.kill(pid, 'SIGTERM');
  } catch (cause) {
    if (stillRuns(running)) throw unwilling(journal.name, pid, 'this user may not signal it', cause);
  }
  const until = Date.now() + END_MS;
  while (stillRuns(running)) {
    if (stop?.aborted === true) throw stillEnding(journal.name, pid, String(stop.reason));
    if (Date.now() > until) throw unwilling(journal.name, pid, `it has not ended within ${END_MS / 1000} s`);
    await pause(LOOK_MS);
  }
  return true;
}

function stillEnding(name: string, pid: number, signal: string): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'end the process of tunnel',
    object: `${name} (process ${pid})`,
    reason: `${signal} came while it was ending`,
    hint: 'run this again',
  });
}

function unwilling(name: string, pid: number, reason: string, cause?: unknown): ClearDfError {
  return new ClearDfError({
    code: 'CONFLICT',
    operation: 'end the process of tunnel',
    object: `${name} (process ${pid})`,
    reason,
    hint: `kill -KILL ${pid}, and run this again`,
    cause,
  });
}
