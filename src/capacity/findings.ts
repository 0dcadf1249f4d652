/** What a machine's own measurements say of it: the answer of `clear-df bench --here`. Pure. */
import { type Costs, type Load, only } from './cost.js';
import { type Compared, relativeError } from './error.js';
import { expectedRate } from './expect.js';
import { fit, type Point } from './fit.js';
import { MIXES, type NamedMix } from './mixes.js';
import { type Advice, adviceFor, breakEven, type Needs, needs } from './needs.js';
import { type Cores, predict, type Prediction } from './predict.js';

export interface Question {
  /** Cores of the machine. */
  cores: number;
  /** Rates of links, Gbit/s. */
  gbps: readonly number[];
  sizes: readonly NamedMix[];
  /** Share of the packets with DF set, 0 to 1. */
  df: number;
}

export interface Row extends Needs {
  gbps: number;
  size: string;
  advice: Advice;
}

export interface Findings {
  costs: Costs;
  /** What one queue takes, with a core that receives and one that clears. */
  oneQueue: ({ size: string } & Prediction)[];
  links: Row[];
  /** For each size: packets a second from which on clear-df takes a whole core more than the kernel alone. */
  breakEven: { size: string; packetsPerSecond: number }[];
  /** The points that the model had not seen, packets a second, each with its relative error. */
  heldOut: (Compared & { error: number })[];
}

/** Sizes that an operator knows; the first is the smallest packet there is. */
export const SIZES: readonly NamedMix[] = [
  { name: '64 bytes', mix: only(64) },
  { name: '600 bytes', mix: only(600) },
  ...MIXES.filter(({ name }) => name === 'IMIX' || name === '1500 bytes'),
];

/** Two cores, as the bench has them. */
const ONE_QUEUE: Cores = { cores: 2, receiving: 1, queues: 1 };

/** @param points those that the model may see @param heldOut those of clear-df that it is judged by */
export function findingsOf(points: readonly Point[], heldOut: readonly Point[], question: Question): Findings {
  const costs = fit(points);
  const { cores, gbps, sizes, df } = question;
  const loads: { size: string; load: Load }[] = sizes.map(({ name, mix }) => ({ size: name, load: { mix, df } }));
  return {
    costs,
    oneQueue: loads.map(({ size, load }) => ({ size, ...predict(costs, load, ONE_QUEUE) })),
    links: gbps.flatMap((rate) =>
      loads.map(({ size, load }) => {
        const needed = needs(costs, load, rate);
        return { gbps: rate, size, ...needed, advice: adviceFor(needed, cores) };
      }),
    ),
    breakEven: loads.map(({ size, load }) => ({ size, packetsPerSecond: breakEven(costs, load) })),
    heldOut: heldOut.map((point) => {
      const compared = {
        what: `${point.length} bytes, DF in ${Math.round(100 * point.df)} %`,
        predicted: expectedRate(costs, point),
        measured: point.rate,
      };
      return { ...compared, error: relativeError(compared) };
    }),
  };
}
