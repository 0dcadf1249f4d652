/** What `clear-df trace` does: marks a flow's packets, listens while they pass, takes the marks away, and judges. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../errors.js';
import { createRunner, NoAnswerError, type Runner } from '../host/exec.js';
import { holderOf } from '../host/read/queues.js';
import { readTraceCounters } from '../host/trace/counters.js';
import { readTraceDevices } from '../host/trace/devices.js';
import { takeTraceLock } from '../host/trace/journal.js';
import { sweepTraces } from '../host/trace/left-over.js';
import { type Marking, putMarks, tryNft } from '../host/trace/marks.js';
import { Session, thisTracer } from '../host/trace/session.js';
import type { Logger } from '../log.js';
import type { Flow, TunnelEnds } from '../trace/flow.js';
import { growths } from '../trace/growth.js';
import { judge } from '../trace/judge.js';
import { type PacketPath, packetPathsOf } from '../trace/packet-paths.js';
import type { Traced } from '../trace/text.js';
import { pathGroupsOf } from '../trace/path-groups.js';
import { gretapOf } from '../tunnel/site/site.js';
import { locateSite } from '../host/tunnel/locate.js';

export const TRACE_BACKENDS = ['auto', 'nft', 'iptables-legacy'] as const;
export type TraceBackend = (typeof TRACE_BACKENDS)[number];

interface TraceOptions {
  flow: Flow;
  /** A site: only its tunnel is looked at. */
  file: string | undefined;
  /** Ends it when so many packets of the flow were seen, both directions together. */
  count: number;
  seconds: number;
  backend: TraceBackend;
  /** Show what would be changed. */
  dryRun: boolean;
}

interface TraceHooks {
  log: Logger;
  /** Ends it, and the command that is under way. */
  stop: AbortSignal;
  /** Says something to the person who waits. */
  say: (words: string) => void;
}

/** A packet's last words come within this time of the one before; emulation is slower than anything real. */
const QUIET_MS = 400;
const SETTLE_MAX_MS = 5000;
const POLL_MS = 100;

/**
 * @returns undefined under dry run
 * @throws ClearDfError USAGE for the file, PRIVILEGE, ENVIRONMENT without nft and iptables-legacy, CONFLICT while
 *   another trace runs in this network namespace
 */
export async function runTrace(options: TraceOptions, hooks: TraceHooks): Promise<Traced | undefined> {
  const lock = takeTraceLock();
  try {
    return await trace(options, hooks);
  } finally {
    lock.release();
  }
}

async function trace(options: TraceOptions, hooks: TraceHooks): Promise<Traced | undefined> {
  const { flow, dryRun } = options;
  const { log, say, stop } = hooks;
  const print = ({ text }: { text: string }) => process.stdout.write(`${text}\n`);
  const runner = createRunner({ log, dryRun, print, stop });
  const { names, tunnels: all } = await readTraceDevices(runner);
  const tunnels = await tunnelsOf(options.file, all, { runner, log });
  if (await sweepTraces(runner)) say(`${dryRun ? 'would remove' : 'removed'} leftovers of a killed trace`);
  const marking = await chooseMarking(runner, options);
  if (dryRun) {
    await putMarks(runner, marking, thisTracer(), flow, tunnels);
    return undefined;
  }
  const notes = marking.by === 'nft' ? [] : ['the tables of nft and iptables-nft: marked by iptables-legacy'];
  const before = await readTraceCounters(runner, (reason) => notes.push(`the fast path: ${reason}`));
  let heard = Date.now();
  const session = await Session.start(runner, {
    ...{ flow, marking, tunnels, warn: (words: string) => notes.push(words), onEvent: () => (heard = Date.now()) },
    nameOf: (device) => names.get(device) ?? `device ${device}`,
  });
  const passages = () => packetPathsOf(flow, session.nftVisits, session.legacyVisits);
  try {
    say(`tracing for ${options.seconds} s; send the traffic now`);
    await listen(options, hooks, passages, () => heard);
    // Marks first: what was marked by then still comes.
    await session.unmark();
    await quiet(() => heard, SETTLE_MAX_MS);
  } finally {
    await session.end();
  }
  const grown = growths(before.counters, (await readTraceCounters(runner)).counters);
  const seen = passages();
  const paths = pathGroupsOf(seen);
  const packets = packetsOf(seen);
  return { flow, packets, paths, ...judge(flow, paths, tunnels, grown, holder, before.programs), grown, notes };
}

/** The tunnel of the site file, as it is or as it will be; without a file, every gretap. */
async function tunnelsOf(
  file: string | undefined,
  all: TunnelEnds[],
  looking: Parameters<typeof locateSite>[1],
): Promise<TunnelEnds[]> {
  if (file === undefined) return all;
  const { site } = await locateSite(file, looking);
  const found = all.filter(({ local, remote }) => local === site.local && remote === site.remote);
  const overhead = gretapOf(site)?.key === undefined ? 38 : 42;
  const { local, remote } = site;
  return found.length > 0 ? found : [{ name: site.tunnel.name, local, remote, overhead, pathMtu: undefined }];
}

async function chooseMarking(runner: Runner, { backend, flow }: TraceOptions): Promise<Marking> {
  if (backend === 'iptables-legacy') return { by: backend };
  try {
    return await tryNft(runner, thisTracer(), flow);
  } catch (error) {
    const answered = error instanceof ClearDfError && !(error instanceof NoAnswerError);
    const fallBack = backend === 'auto' && answered && error.code !== 'PRIVILEGE';
    if (fallBack) return { by: 'iptables-legacy' };
    throw error;
  }
}

async function listen(
  { seconds, count }: TraceOptions,
  { stop }: TraceHooks,
  passages: () => PacketPath[],
  heard: () => number,
): Promise<void> {
  const sleep = (ms: number) => pause(ms, undefined, { signal: stop }).catch(() => undefined);
  let counted = 0;
  for (const limit = Date.now() + seconds * 1000; Date.now() < limit && !stop.aborted;) {
    await sleep(Math.min(POLL_MS, limit - Date.now()));
    if (heard() === counted) continue;
    counted = heard();
    if (packetsOf(passages()) < count) continue;
    return quiet(heard, SETTLE_MAX_MS);
  }
}

/** Waits until nothing has been heard for a while. */
async function quiet(heard: () => number, most: number): Promise<void> {
  const [start, limit] = [Date.now(), Date.now() + most];
  while (Date.now() < limit && Date.now() - Math.max(start, heard()) < QUIET_MS) await pause(POLL_MS);
}

const packetsOf = (passages: readonly PacketPath[]): number => passages.filter(({ kind }) => kind === 'flow').length;

function holder(queue: number): string | undefined {
  const found = holderOf(queue);
  if (found.state !== 'held') return undefined;
  return found.process === undefined ? 'a process' : `${found.process.name} (pid ${found.process.pid})`;
}
