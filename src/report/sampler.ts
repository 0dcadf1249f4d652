/** Readings at regular times: the last hour of them, and each one to whoever subscribes. */
import { History } from './history.js';
import { type Rates, ratesBetween } from './rates.js';
import type { Snapshot } from './snapshot.js';

/** Seconds between two readings, and how many make an hour. */
const SECONDS = 5;
const POINTS = 3600 / SECONDS;

/** A reading with the rates since the one before, as `clear-df stats --watch --json` prints it. */
export type Point = Snapshot & { rates?: Rates };

export class Sampler {
  readonly history = new History(POINTS);
  readonly #listeners = new Set<(point: Point) => void>();
  #latest: Point | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onError gets the error of a reading that failed; the next one is taken all the same */
  constructor(
    private readonly take: () => Snapshot,
    private readonly onError: (error: unknown) => void = () => undefined,
    private readonly seconds = SECONDS,
  ) {}

  /** Takes readings until {@link stop}; does not hold the process alive. Calling it again changes nothing. */
  start(): void {
    this.#timer ??= setInterval(() => this.#sample(), this.seconds * 1000).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Tells `listener` of each reading. @returns the end of that */
  subscribe(listener: (point: Point) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The last reading; where there is none yet, one of now. @throws what the reading throws */
  latest(): Point {
    return this.#latest ?? this.#point(this.take());
  }

  #point(now: Snapshot): Point {
    const rates = ratesBetween(now, this.#latest);
    return { ...now, ...(rates === undefined ? {} : { rates }) };
  }

  #sample(): void {
    try {
      const now = this.take();
      const point = this.#point(now);
      this.#latest = point;
      this.history.add(now, point.rates);
      for (const listener of this.#listeners) listener(point);
    } catch (error) {
      this.onError(error);
    }
  }
}
