/** What a run for the model measures, and what it leaves: one JSON file in `bench/results/`. Pure. */
import type { Point } from '../../src/capacity/fit.js';
import type { ContenderName } from './catalogue.js';
import type { Latency, Results } from './results.js';

/** Changes when an older file could not be read as a newer one. */
export const MODEL_FORMAT = 1;

/** What a trial is for: the model is fitted to `fit`, and judged by the others. */
export type Use =
  | 'fit'
  | 'held out'
  /** The contender finds everything waiting, in full batches: what a single sender cannot bring about. */
  | 'backlog'
  /** At a share of what it can take, with latency: for the simulation. */
  | 'pace';

export interface Trial {
  use: Use;
  way: Point['way'];
  contender: ContenderName;
  /** Bytes, IP header included. */
  length: number;
  /** Percent of the packets with DF set. */
  df: number;
  queues: number;
  /** Percent of what clear-df let through at that size in the same round; of `pace` only. */
  pace?: number | 'full';
}

export interface ModelPoint extends Point {
  use: Use;
  round: number;
  queues: number;
  pace?: number | 'full';
  /** Of the packets that came to the router, the share that did not arrive. */
  lost: number;
  /** Of `pace`. */
  latency?: Latency;
}

export interface ModelResults extends Pick<Results, 'date' | 'commit' | 'machine' | 'settings'> {
  format: typeof MODEL_FORMAT;
  points: ModelPoint[];
}

/** The text of a file of results: a line for each point. */
export function modelText({ points, ...head }: ModelResults): string {
  const lines = points.map((point) => `    ${JSON.stringify(point)}`).join(',\n');
  return `${JSON.stringify(head, undefined, 2).replace(/\n\}$/, '')},\n  "points": [\n${lines}\n  ]\n}\n`;
}

const LENGTHS = [64, 200, 600, 1000, 1400] as const;

const trial = (use: Use, way: Trial['way'], length: number, df: number, queues = 1): Trial => ({
  ...{ use, way, length, df, queues },
  contender: way === 'send' ? 'none' : way === 'clear-df' && queues === 2 ? 'clear-df-2' : way,
});

const fitted = (length: number): Trial[] => [
  ...(['send', 'none', 'prefilter'] as const).map((way) => trial('fit', way, length, 0)),
  ...[100, 10].map((df) => trial('fit', 'fast-path', length, df)),
  ...[100, 50, 10].map((df) => trial('fit', 'clear-df', length, df)),
];

/** All of a round. Of the paces, the share is of the point at 1400 bytes with DF in all packets. */
export const MODEL_TRIALS: readonly Trial[] = [
  ...LENGTHS.flatMap(fitted),
  trial('held out', 'none', 1500, 0),
  trial('held out', 'fast-path', 800, 50),
  trial('held out', 'clear-df', 128, 100),
  trial('held out', 'clear-df', 300, 35),
  trial('held out', 'clear-df', 400, 100),
  trial('held out', 'clear-df', 800, 75),
  trial('held out', 'clear-df', 1200, 25),
  trial('held out', 'clear-df', 1500, 100),
  trial('held out', 'clear-df', 600, 100, 2),
  trial('held out', 'clear-df', 1400, 50, 2),
  ...[128, 600, 1400].map((length) => trial('backlog', 'clear-df', length, 100)),
  ...([1, 50, 'full'] as const).map((pace) => ({ ...trial('pace', 'clear-df', 1400, 100), pace })),
];

/** A trial, or what came of it, in words. @param df percent */
export function trialWords({ way, length, queues, pace, use }: Omit<Trial, 'contender' | 'df'>, df: number): string {
  const more = [
    ...(way === 'clear-df' || way === 'fast-path' ? [`DF in ${df} %`] : []),
    ...(queues === 1 ? [] : [`${queues} queues`]),
    ...(use === 'backlog' ? ['from a backlog'] : []),
    ...(pace === undefined ? [] : [pace === 'full' ? 'all that goes' : `at ${pace} %`]),
  ];
  return [`${way}, ${length} bytes`, ...more].join(', ');
}
