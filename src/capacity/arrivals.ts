/** When packets come. Pure. */

export interface Arrivals {
  /** `even`: one as far from the next as the other, as a sender at a pace has it; `poisson`; `bursts` of `size`. */
  kind: 'even' | 'poisson' | 'bursts';
  /** Packets a second, on average. */
  rate: number;
  /** Of bursts: packets in each. */
  size?: number;
  /** Of bursts: nanoseconds from one packet to the next within. */
  gap?: number;
}

/** Nanoseconds from the start, one packet after the other, until `end`. @throws RangeError when nothing would come */
export function* arrive(arrivals: Arrivals, end: number, random: () => number): Generator<number, void> {
  const { kind, rate, size = 64, gap = 0 } = arrivals;
  if (!(rate > 0 && size >= 1)) throw new RangeError('packets come at a rate above 0, in bursts of 1 at least');
  const between = 1e9 / rate;
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;
  if (kind === 'even') {
    for (let i = 0; i * between < end; i++) yield i * between;
  } else if (kind === 'poisson') {
    for (let now = exponential(between); now < end; now += exponential(between)) yield now;
  } else {
    // A burst that begins before the last one is over waits for the link.
    let free = 0;
    for (let now = exponential(between * size); now < end; now += exponential(between * size)) {
      const start = Math.max(now, free);
      for (let i = 0; i < size && start + i * gap < end; i++) yield start + i * gap;
      free = start + size * gap;
    }
  }
}
