/** How far a prediction is off. Pure. */

export interface Compared {
  /** What was measured, in words. */
  what: string;
  predicted: number;
  measured: number;
}

export interface Errors {
  /** Of the sizes of the relative errors. */
  median: number;
  worst: number;
  /** Where that was. */
  worstWhat: string;
  count: number;
}

/** Predicted against measured: 0.1 when ten percent too much was predicted. */
export function relativeError({ predicted, measured }: Compared): number {
  return predicted / measured - 1;
}

/** @throws RangeError when nothing was compared */
export function errorsOf(compared: readonly Compared[]): Errors {
  const sorted = compared
    .map((one) => ({ what: one.what, size: Math.abs(relativeError(one)) }))
    .sort((a, b) => a.size - b.size);
  const worst = sorted.at(-1);
  if (worst === undefined) throw new RangeError('nothing was compared');
  const half = sorted.length >> 1;
  const sizeAt = (i: number): number => (sorted[i] as { size: number }).size;
  const median = sorted.length % 2 === 1 ? sizeAt(half) : (sizeAt(half - 1) + sizeAt(half)) / 2;
  return { median, worst: worst.size, worstWhat: worst.what, count: sorted.length };
}
