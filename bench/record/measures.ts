/** The figures that a cell holds, each once. Pure. */
import type { Percentiles } from './results.js';
import type { Measure } from './statistics.js';

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

/** Packets that the contender answered for each second of its processor time; of one that none came to there is no such figure. */
export const packetsPerCpuSecond: Measure = ({ cpu, datagrams }) =>
  cpu.contender === undefined || !datagrams?.handled ? undefined : share(datagrams.handled, cpu.contender);

/** Nanoseconds of the contender's processor time for each packet that it answered. */
export const cpuPerPacket: Measure = (cell) => {
  const packets = packetsPerCpuSecond(cell);
  return packets === undefined ? undefined : 1e9 / packets;
};

/** Nanoseconds of all cores for each packet that arrived: also for what runs in the kernel alone. */
export const machinePerPacket: Measure = ({ cpu, datagrams }) =>
  datagrams === undefined ? undefined : share(1e9 * cpu.machine, datagrams.arrived);

/** Packets a second at the sink. */
export const packetsPerSecond: Measure = ({ datagrams, seconds }) =>
  datagrams === undefined ? undefined : datagrams.arrived / seconds;

/** Of the packets that arrived and had DF set when they were sent, the share without it. */
export const clearedShare: Measure = ({ datagrams }) => {
  if (datagrams === undefined || datagrams.sent === 0) return undefined;
  const due = (datagrams.arrived * datagrams.sentWithDf) / datagrams.sent;
  return due === 0 ? undefined : Math.max(0, 1 - datagrams.withDf / due);
};

/** Of the packets that came to the router, the share that did not arrive. */
export const lostShare: Measure = ({ datagrams }) =>
  datagrams === undefined || datagrams.offered === 0
    ? undefined
    : Math.max(0, 1 - datagrams.arrived / datagrams.offered);

/** How busy the contender was: its processor time for each second of the load, over its cores. */
export const busyShare: Measure = ({ cpu, seconds, cores }) =>
  cpu.contender === undefined ? undefined : cpu.contender / seconds / cores.length;

/** Bytes a second that the far end acknowledged. */
export const bytesPerSecond: Measure = ({ stream, seconds }) =>
  stream === undefined ? undefined : stream.bytes / seconds;

/** None for a contender that ended: what then went by is not its work. */
export const bytesPerCpuSecond: Measure = ({ stream, cpu, ended }) =>
  stream === undefined || cpu.contender === undefined || ended !== undefined
    ? undefined
    : share(stream.bytes, cpu.contender);

/** Nanoseconds of all cores for each kibibyte of TCP. */
export const machinePerKibibyte: Measure = ({ stream, cpu }) =>
  stream === undefined ? undefined : share(1e9 * cpu.machine, stream.bytes / 1024);

/** Nanoseconds that the contender adds at a percentile: against the same load with no rule, just before. */
export function addedLatency(at: keyof Percentiles): Measure {
  return ({ latency }) => (latency === undefined ? undefined : latency.seen[at] - latency.without[at]);
}

/** Mebibytes resident at the end of the load. */
export const memory: Measure = ({ memory: kibibytes }) => (kibibytes === undefined ? undefined : kibibytes.end / 1024);

/** Mebibytes resident at most, its start within. */
export const memoryPeak: Measure = ({ memory: kibibytes }) =>
  kibibytes === undefined ? undefined : kibibytes.peak / 1024;
