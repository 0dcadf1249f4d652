/** What was measured lately, in memory that is taken once and does not grow. */
import type { Rates } from './rates.js';
import { SERIES, SERIES_NAMES, type SeriesName } from './series.js';
import type { Snapshot } from './snapshot.js';

/** As it is sent: a column for each series, the oldest first; null is not known. */
export interface HistoryColumns {
  /** Seconds since 1970. */
  times: number[];
  series: Record<SeriesName, (number | null)[]>;
  /** Packets per second of each queue. */
  queues: Record<string, (number | null)[]>;
}

/** The last points of each series. A point takes 4 bytes for each series and each queue. */
export class History {
  readonly #times: Float64Array;
  readonly #series: Map<SeriesName, Float32Array>;
  readonly #queues = new Map<number, Float32Array>();
  #added = 0;

  /** @param capacity points kept; one more replaces the oldest */
  constructor(readonly capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#series = new Map(SERIES_NAMES.map((name) => [name, this.#column()]));
  }

  add(now: Snapshot, rates: Rates | undefined): void {
    const at = this.#added % this.capacity;
    this.#times[at] = now.startedAt + now.uptimeSeconds;
    for (const [name, column] of this.#series) column[at] = SERIES[name](now, rates) ?? NaN;
    for (const column of this.#queues.values()) column[at] = NaN;
    for (const { queue, counters } of rates?.queues ?? []) {
      let column = this.#queues.get(queue);
      if (column === undefined) this.#queues.set(queue, (column = this.#column()));
      column[at] = counters.packets;
    }
    this.#added++;
  }

  /** The last values of a series, the oldest first; NaN is not known. */
  recent(name: SeriesName, most: number): number[] {
    return this.#read(this.#series.get(name) ?? this.#column()).slice(-most);
  }

  columns(): HistoryColumns {
    const series = [...this.#series].map(([name, column]) => [name, this.#read(column).map(short)] as const);
    const queues = [...this.#queues].map(([queue, column]) => [queue, this.#read(column).map(short)] as const);
    return {
      times: this.#read(this.#times).map((time) => Number(time.toFixed(1))),
      series: Object.fromEntries(series) as HistoryColumns['series'],
      queues: Object.fromEntries(queues),
    };
  }

  #column(): Float32Array {
    return new Float32Array(this.capacity).fill(NaN);
  }

  #read(column: Float32Array | Float64Array): number[] {
    const held = Math.min(this.#added, this.capacity);
    return Array.from({ length: held }, (_, i) => column[(this.#added - held + i) % this.capacity] as number);
  }
}

/** Four digits are more than a graph shows. */
function short(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
