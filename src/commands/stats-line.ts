/** One line in the log every so many seconds: what went through, and what did not. */
import type { Logger } from '../log.js';
import { type Rates, ratesBetween } from '../report/rates.js';
import type { Snapshot } from '../report/snapshot.js';

/** A line's fields: rates per second of what moves, without what stands still. */
export function rateFields({ seconds, counters, queues }: Rates): Record<string, number> {
  const dropped = queues.reduce((sum, queue) => sum + (queue.queueDropped ?? 0) + (queue.userDropped ?? 0), 0);
  const rates = Object.entries({ ...counters, dropped }).filter(
    ([name, rate]) => rate > 0 || name === 'packets' || name === 'cleared',
  );
  return {
    seconds: Math.round(seconds * 10) / 10,
    ...Object.fromEntries(rates.map(([name, rate]) => [`${name}PerSecond`, Math.round(rate * 10) / 10])),
  };
}

/** Logs {@link rateFields} at an interval that can change. */
export class StatsLine {
  readonly #log: Logger;
  readonly #take: () => Snapshot;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Logger, take: () => Snapshot) {
    this.#log = log;
    this.#take = take;
  }

  /** @param seconds between two lines; undefined for none */
  every(seconds: number | undefined): void {
    clearInterval(this.#timer);
    if (seconds === undefined) return;
    let before = this.#reading();
    this.#timer = setInterval(() => {
      const now = this.#reading();
      if (now === undefined) return;
      const rates = ratesBetween(now, before);
      before = now;
      if (rates === undefined) return;
      const { packets, cleared } = rates.counters;
      this.#log.info(rateFields(rates), `${Math.round(packets)} packets/s, ${Math.round(cleared)} cleared/s`);
    }, seconds * 1000).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A reading that fails ends no run. */
  #reading(): Snapshot | undefined {
    try {
      return this.#take();
    } catch (error) {
      this.#log.warn({ reason: String(error) }, 'the statistics could not be read');
      return undefined;
    }
  }
}
