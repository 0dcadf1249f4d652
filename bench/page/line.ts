/** A cell as one line, while a run goes on. Pure. */
import {
  addedLatency,
  busyShare,
  bytesPerCpuSecond,
  bytesPerSecond,
  clearedShare,
  lostShare,
  packetsPerCpuSecond,
  packetsPerSecond,
} from '../record/measures.js';
import { type ModelPoint, trialWords } from '../record/model.js';
import type { Cell } from '../record/results.js';
import { bitRate, bytes, digits, nanoseconds, percent, quantity } from './units.js';

/** Figures that it has, in words. */
export function cellText(cell: Cell): string {
  const parts: string[] = [];
  const add = (value: number | undefined, words: (value: number) => string): void => {
    if (value !== undefined) parts.push(words(value));
  };
  add(packetsPerSecond(cell), (v) => `${quantity(v)} packets/s`);
  add(packetsPerCpuSecond(cell), (v) => `${quantity(v)} packets/CPU-s`);
  add(bytesPerSecond(cell), bitRate);
  add(bytesPerCpuSecond(cell), (v) => `${bytes(v)}/CPU-s`);
  add(busyShare(cell), (v) => `busy ${percent(v)}`);
  add(clearedShare(cell), (v) => `cleared ${percent(v)}`);
  add(lostShare(cell), (v) => `lost ${percent(v)}`);
  add(addedLatency('median')(cell), (v) => `adds ${nanoseconds(v)}`);
  add(addedLatency('p99')(cell), (v) => `99 % ${nanoseconds(v)}`);
  if (cell.latency !== undefined && cell.latency.disorder > 0) parts.push(`DISORDER ${cell.latency.disorder}`);
  if (cell.ended !== undefined) parts.push(`ENDED ${cell.ended.reason} after ${cell.ended.after.toFixed(2)} s`);
  return `${cell.round}  ${cell.load.padEnd(18)} ${cell.contender.padEnd(18)} ${parts.join(', ')}`;
}

/** A point of the model as one line. */
export function pointText(point: ModelPoint): string {
  const { rate, receiving, clearing, wakes, batches, lost } = point;
  const parts = [`${quantity(rate)} packets/s`, `${nanoseconds(receiving)} receiving`];
  if (clearing !== undefined) parts.push(`${nanoseconds(clearing)} clearing`);
  if (wakes !== undefined) parts.push(`${digits(wakes)} wakes`);
  if (batches !== undefined) parts.push(`${digits(batches)} batches`);
  if (lost > 0) parts.push(`lost ${percent(lost)}`);
  return `${point.round}  ${trialWords(point, Math.round(100 * point.df)).padEnd(46)} ${parts.join(', ')}`;
}
