/** What processor time went where, as the kernel accounts it. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Cell, Cpu } from '../record/results.js';

/** USER_HZ of every Linux port that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of one core since it was started. */
interface CoreTimes {
  busy: number;
  softirq: number;
  stolen: number;
}

/** One look at the clocks. */
interface ProcessorReading {
  /** Nanoseconds on a processor, by thread; softirqs that ran on its account are within. */
  threads: Map<string, number>;
  /** By core number. */
  cores: Map<number, CoreTimes>;
  /** Nanoseconds of each core's ksoftirqd; none where it is not to be seen. */
  ksoftirqd: Map<number, number>;
}

/** Reads the clocks; `pid` is the contender's process, if it has one. */
export function readProcessor(pid?: number): ProcessorReading {
  return {
    threads: pid === undefined ? new Map<string, number>() : threadTimes(pid),
    cores: coreTimes(),
    ksoftirqd: new Map([...ksoftirqds()].map(([core, thread]) => [core, onProcessor(thread) ?? 0])),
  };
}

/** sum_exec_runtime: to the nanosecond, where utime and stime have ticks. */
function onProcessor(path: number | string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${path}/schedstat`, 'utf8').split(' ', 1)[0]);
  } catch {
    return undefined;
  }
}

function threadTimes(pid: number): Map<string, number> {
  const times = new Map<string, number>();
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
  }
  for (const thread of threads) {
    const time = onProcessor(`${pid}/task/${thread}`);
    if (time !== undefined) times.set(thread, time);
  }
  return times;
}

function coreTimes(): Map<number, CoreTimes> {
  const cores = new Map<number, CoreTimes>();
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const core = /^cpu(\d+) (.*)$/.exec(line);
    if (core === null) continue;
    const ticks = (core[2] as string).split(' ').map(Number);
    const at = (column: number): number => (ticks[column] ?? 0) / TICKS_PER_SECOND;
    // user, nice, system, idle, iowait, irq, softirq, steal
    cores.set(Number(core[1]), { busy: at(0) + at(1) + at(2) + at(5) + at(6), softirq: at(6), stolen: at(7) });
  }
  return cores;
}

let found: Map<number, number> | undefined;

/** The process id of each core's ksoftirqd; looked for once. */
function ksoftirqds(): Map<number, number> {
  if (found !== undefined) return found;
  found = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const core = /^ksoftirqd\/(\d+)$/.exec(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())?.[1];
      if (core !== undefined) found.set(Number(core), Number(pid));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** The clocks before a load, when its last packet had been sent, and when the last had arrived. */
export interface Readings {
  before: ProcessorReading;
  sent: ProcessorReading;
  arrived: ProcessorReading;
}

/**
 * What went by. The contender's cores, `own`, count until the last packet had arrived; the others only until it had
 * been sent, because then this program itself runs there, to look for what arrives.
 */
export function elapsed({ before, sent, arrived }: Readings, own: readonly number[]): Omit<Cpu, 'contender'> {
  const grown = (core: number, after: ProcessorReading, pick: (times: CoreTimes) => number): number => {
    const [from, to] = [before.cores.get(core), after.cores.get(core)];
    return from === undefined || to === undefined ? 0 : pick(to) - pick(from);
  };
  const sum = (cores: readonly number[], of: (core: number) => number): number =>
    cores.reduce((s, core) => s + of(core), 0);
  const others = [...before.cores.keys()].filter((core) => !own.includes(core));
  const ofOwn = (pick: (times: CoreTimes) => number): number => sum(own, (core) => grown(core, arrived, pick));
  const ofOthers = (pick: (times: CoreTimes) => number): number => sum(others, (core) => grown(core, sent, pick));
  const softirqd = (core: number): number => (arrived.ksoftirqd.get(core) ?? 0) - (before.ksoftirqd.get(core) ?? 0);
  return {
    contenderCores: rounded(ofOwn(({ busy }) => busy)),
    softirq: rounded(ofOwn(({ softirq }) => softirq)),
    ksoftirqd: rounded(sum(own, softirqd) / 1e9),
    machine: rounded(ofOwn(({ busy }) => busy) + ofOthers(({ busy }) => busy)),
    stolen: rounded(ofOwn(({ stolen }) => stolen) + ofOthers(({ stolen }) => stolen)),
  };
}

/** Seconds that the contender's threads ran; one that is new since had none before. */
export function threadSeconds({ before, arrived }: Readings): number {
  let nanoseconds = 0;
  for (const [thread, time] of arrived.threads) nanoseconds += time - (before.threads.get(thread) ?? 0);
  return rounded(nanoseconds / 1e9);
}

/** To the microsecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** Kibibytes resident, at most and now; undefined when the process has ended. */
export function resident(pid: number): Cell['memory'] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [peak, end] = ['VmHWM', 'VmRSS'].map((key) => new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
    return peak === undefined || end === undefined ? undefined : { peak: Number(peak), end: Number(end) };
  } catch {
    return undefined;
  }
}
