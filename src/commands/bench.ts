/**
 * `clear-df bench --here`: packets through private namespaces of this machine, for some seconds, and what the model
 * says of it. Nothing stays: no namespace, no rule, no process.
 */
import { availableParallelism, cpus, release } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../errors.js';
import { childCommand } from '../host/bench/child.js';
import { readCores } from '../host/bench/clocks.js';
import { choosePair, type Pair } from '../host/bench/cores.js';
import { makeRing, otherBench, removeRing, ringOf, sweepRings } from '../host/bench/ring.js';
import { createRunner, replayText, type Runner } from '../host/exec.js';
import type { Logger } from '../log.js';
import { type Findings, findingsOf, type Question } from '../capacity/findings.js';
import type { Point } from '../capacity/fit.js';
import { requireNetAdmin } from './rights.js';
import { Daemon, measure, type Measuring, requestOf, RUN_WORDS, SENDER } from './bench/measure.js';
import { type Trial, TRIALS, trialText } from './bench/trials.js';

interface BenchOptions extends Omit<Question, 'cores'> {
  /** Seconds that each trial is sent. */
  seconds: number;
  dryRun: boolean;
  /** The file that is clear-df's command line. */
  main: readonly string[];
}

interface BenchHooks {
  log: Logger;
  /** Ends it, and the command that is under way. */
  stop: AbortSignal;
  /** Says something to the person who waits. */
  say: (words: string) => void;
}

export interface BenchResult extends Findings {
  machine: { cpu: string; cores: number; kernel: string };
  measuredOn: Pair;
  /** Of the two cores, before anything was sent: the share that others had. */
  busyBefore: number;
  points: (Point & { heldOut: boolean })[];
}

const WATCH_MS = 300;

/**
 * @returns undefined under dry run
 * @throws ClearDfError PRIVILEGE, ENVIRONMENT with fewer than two cores or what clear-df itself lacks there, CONFLICT
 *   while another bench runs, RUNTIME when it was stopped
 */
export async function runBench(options: BenchOptions, hooks: BenchHooks): Promise<BenchResult | undefined> {
  const { log, say, stop } = hooks;
  const pair = choosePair();
  const print = ({ text }: { text: string }) => process.stdout.write(`${text}\n`);
  const runner = createRunner({ log, dryRun: options.dryRun, print, stop });
  if (options.dryRun) return dryRun(runner, options, pair);
  requireRights();
  const busyBefore = await busyShare(pair);
  if (await sweepRings(runner)) say('removed leftovers of a killed bench');
  const ring = ringOf(process.pid);
  const { main, seconds } = options;
  const measuring = { runner, ring, pair, seconds, main, signal: stop };
  say(`loads core ${pair.receiving} and core ${pair.clearing} for about ${aboutSeconds(seconds)} s`);
  let points: BenchResult['points'];
  try {
    await makeRing(runner, ring);
    points = await measureAll(measuring, say);
  } catch (error) {
    throw stop.aborted ? stoppedBy(String(stop.reason)) : error;
  } finally {
    await removeRing(runner, ring);
  }
  const cores = availableParallelism();
  const seen = points.filter(({ heldOut }) => !heldOut);
  const unseen = points.filter(({ heldOut }) => heldOut);
  return {
    machine: { cpu: cpus()[0]?.model.trim() ?? process.arch, cores, kernel: release() },
    ...{ measuredOn: pair, busyBefore, points },
    ...findingsOf(seen, unseen, { ...options, cores }),
  };
}

async function measureAll(measuring: Measuring, say: BenchHooks['say']): Promise<BenchResult['points']> {
  const points: BenchResult['points'] = [];
  let daemon: Daemon | undefined;
  try {
    for (const trial of TRIALS) {
      measuring.signal.throwIfAborted();
      if (trial.way === 'clear-df') daemon ??= await Daemon.start(measuring);
      const point = await measure(measuring, trial, daemon);
      points.push({ ...point, heldOut: trial.heldOut === true });
      say(`${trialText(trial)}: ${Math.round(point.rate / 1000)} k packets/s`);
    }
  } finally {
    await daemon?.stop();
  }
  return points;
}

/** Of the two cores, over a moment: what others do there. */
async function busyShare({ receiving, clearing }: Pair): Promise<number> {
  const before = readCores();
  await pause(WATCH_MS);
  const after = readCores();
  let [busy, all] = [0, 0];
  for (const core of [receiving, clearing]) {
    busy += (after.get(core)?.busy ?? 0) - (before.get(core)?.busy ?? 0);
    all += (after.get(core)?.all ?? 0) - (before.get(core)?.all ?? 0);
  }
  return all === 0 ? 0 : busy / all;
}

/** With what starting and emptying takes. */
export function aboutSeconds(seconds: number): number {
  return Math.ceil(TRIALS.length * (seconds + 0.5));
}

async function dryRun(runner: Runner, { main, seconds }: BenchOptions, pair: Pair): Promise<undefined> {
  const ring = ringOf(process.pid);
  const show = (namespace: string, core: number, words: readonly string[]) =>
    runner.effect(replayText('ip', childCommand({ namespace, core }, words)), () => undefined);
  const send = (trial: Trial) =>
    show(ring.sender, pair.receiving, [...SENDER, JSON.stringify(requestOf(trial, seconds))]);
  await makeRing(runner, ring);
  for (const trial of TRIALS.filter(({ way }) => way !== 'clear-df')) await send(trial);
  await show(ring.router, pair.clearing, [...main, ...RUN_WORDS]);
  for (const trial of TRIALS.filter(({ way }) => way === 'clear-df')) await send(trial);
  await removeRing(runner, ring);
  return undefined;
}

function requireRights(): void {
  const need = 'it takes network namespaces and a queue';
  requireNetAdmin(['bench', 'this machine'], 'run it as root; --dry-run needs no rights', need);
  const other = otherBench();
  if (other === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'bench',
    object: 'this machine',
    reason: `process ${other} is measuring already, and each would measure the other`,
    hint: 'wait until it has ended',
  });
}

function stoppedBy(signal: string): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'bench',
    object: 'this machine',
    reason: `stopped by ${signal} before all was measured`,
    hint: 'nothing is left behind; run it again for an answer',
  });
}
