/** What the page holds: the last hour as the server sent it, and each reading since. Pure. */
import type { HistoryColumns } from '../report/history.js';
import type { Point } from '../report/sampler.js';
import { SERIES, SERIES_NAMES } from '../report/series.js';

const HOUR = 3600;
/** A longer time without a reading is a gap in the graph. */
const GAP = 15;

export function emptyHistory(): HistoryColumns {
  const series = Object.fromEntries(SERIES_NAMES.map((name) => [name, []]));
  return { times: [], series: series as unknown as HistoryColumns['series'], queues: {} };
}

/** The server's hour behind what the page saw before it: a service that was started anew has forgotten that. */
export function joined(before: HistoryColumns, fresh: HistoryColumns): HistoryColumns {
  const start = fresh.times[0] ?? Infinity;
  const kept = before.times.filter((time) => time < start).length;
  const old = slice(before, 0, kept);
  return recent(behind(old, fresh));
}

/** With one more reading. Of a time that is there already it is left out. */
export function withPoint(history: HistoryColumns, point: Point): HistoryColumns {
  const time = point.startedAt + point.uptimeSeconds;
  if (time <= (history.times.at(-1) ?? 0)) return history;
  const series = SERIES_NAMES.map((name) => [name, [SERIES[name](point, point.rates) ?? null]]);
  const queues = (point.rates?.queues ?? []).map(({ queue, counters }) => [queue, [counters.packets]]);
  const one: HistoryColumns = {
    times: [time],
    series: Object.fromEntries(series) as HistoryColumns['series'],
    queues: Object.fromEntries(queues) as HistoryColumns['queues'],
  };
  return recent(behind(history, one));
}

function behind(before: HistoryColumns, after: HistoryColumns): HistoryColumns {
  const [last, first] = [before.times.at(-1), after.times[0]];
  const gap = last !== undefined && first !== undefined && first - last > GAP ? [last + 1] : [];
  const [head, tail] = [before.times.length, after.times.length];
  const column = (one: Column | undefined, two: Column | undefined): Column => [
    ...(one ?? unknown(head)),
    ...unknown(gap.length),
    ...(two ?? unknown(tail)),
  ];
  const series = SERIES_NAMES.map((name) => [name, column(before.series[name], after.series[name])]);
  const numbers = new Set([...Object.keys(before.queues), ...Object.keys(after.queues)]);
  const queues = [...numbers].map((queue) => [queue, column(before.queues[queue], after.queues[queue])]);
  return {
    times: [...before.times, ...gap, ...after.times],
    series: Object.fromEntries(series) as HistoryColumns['series'],
    queues: Object.fromEntries(queues) as HistoryColumns['queues'],
  };
}

type Column = (number | null)[];

function unknown(length: number): Column {
  return Array.from({ length }, () => null);
}

/** Not more than an hour. */
function recent(history: HistoryColumns): HistoryColumns {
  const end = history.times.at(-1) ?? 0;
  const from = history.times.findIndex((time) => time > end - HOUR);
  return from <= 0 ? history : slice(history, from, history.times.length);
}

function slice(history: HistoryColumns, from: number, to: number): HistoryColumns {
  const cut = (columns: Record<string, Column>) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(from, to)]));
  return {
    times: history.times.slice(from, to),
    series: cut(history.series) as HistoryColumns['series'],
    queues: cut(history.queues),
  };
}
