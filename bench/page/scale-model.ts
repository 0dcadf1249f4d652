/** The model of the newest run: fitted, and judged by what it had not seen. Pure. */
import { type Costs, only, perPacket } from '../../src/capacity/cost.js';
import { type Compared, type Errors, errorsOf } from '../../src/capacity/error.js';
import { expectedClearing, expectedRate } from '../../src/capacity/expect.js';
import { fit, wokenOf } from '../../src/capacity/fit.js';
import { MODEL_TRIALS, type ModelPoint, type ModelResults, trialWords, type Use } from '../record/model.js';
import { spread } from '../record/statistics.js';

/** The medians over the rounds, a point for each trial. */
export function medians({ points }: Pick<ModelResults, 'points'>): ModelPoint[] {
  const trials = new Map<string, ModelPoint[]>();
  for (const point of points) {
    const name = `${point.use} ${wordsOf(point)}`;
    trials.set(name, [...(trials.get(name) ?? []), point]);
  }
  return [...trials.values()].sort(inOrder).map((rounds) => {
    const middle = (pick: (point: ModelPoint) => number | undefined): number | undefined => {
      const values = rounds.map(pick).filter((value) => value !== undefined);
      return values.length === 0 ? undefined : spread(values).median;
    };
    const [first] = rounds as [ModelPoint];
    const rate = middle((p) => p.rate) ?? 0;
    const { clearing, wakes, batches } = {
      clearing: middle((point) => point.clearing),
      wakes: middle((point) => point.wakes),
      batches: middle((point) => point.batches),
    };
    return {
      ...first,
      ...{
        receiving: middle((p) => p.receiving) ?? 0,
        rate,
        lost: middle((p) => p.lost) ?? 0,
      },
      ...(clearing === undefined ? {} : { clearing }),
      ...(wakes === undefined ? {} : { wakes, woken: wokenOf({ rate, df: first.df }, wakes) }),
      ...(batches === undefined ? {} : { batches }),
    };
  });
}

/** As the trials stand in the catalogue: a round draws their order. */
function inOrder([one]: readonly ModelPoint[], [other]: readonly ModelPoint[]): number {
  const place = (point: ModelPoint | undefined): number =>
    MODEL_TRIALS.findIndex(
      ({ use, df, ...trial }) =>
        point !== undefined && use === point.use && trialWords({ ...trial, use }, df) === wordsOf(point),
    );
  return place(one) - place(other);
}

/** A point in words. */
function wordsOf(point: ModelPoint): string {
  return trialWords(point, Math.round(100 * point.df));
}

export interface Judged {
  costs: Costs;
  points: ModelPoint[];
  rates: Record<'fit' | 'held out', Compared[]>;
  /** Nanoseconds of clear-df's threads for each packet. */
  clearing: Record<'fit' | 'held out' | 'backlog', Compared[]>;
}

/** Fits the costs to the medians of what they may see, and compares. */
export function judged(results: Pick<ModelResults, 'points'>): Judged {
  const points = medians(results);
  const of = (use: Use): ModelPoint[] => points.filter((point) => point.use === use);
  const costs = fit(of('fit'));
  const rate = (point: ModelPoint): Compared => ({
    what: wordsOf(point),
    predicted: expectedRate(costs, point, point.queues),
    measured: point.rate,
  });
  const clearing = (found: readonly ModelPoint[], predicted: (point: ModelPoint) => number): Compared[] =>
    found.flatMap((point) =>
      point.clearing === undefined || point.df === 0
        ? []
        : [{ what: wordsOf(point), predicted: predicted(point), measured: point.clearing }],
    );
  const atItsRate = (point: ModelPoint): number =>
    expectedClearing(costs, point, expectedRate(costs, point, point.queues));
  const inFullBatches = ({ length }: ModelPoint): number => perPacket(costs, { mix: only(length), df: 1 }).clearing;
  return {
    ...{ costs, points },
    rates: { fit: of('fit').map(rate), 'held out': of('held out').map(rate) },
    clearing: {
      fit: clearing(of('fit'), atItsRate),
      'held out': clearing(of('held out'), atItsRate),
      backlog: clearing(of('backlog'), inFullBatches),
    },
  };
}

/** Undefined where nothing was compared. */
export function errorsIn(compared: readonly Compared[]): Errors | undefined {
  return compared.length === 0 ? undefined : errorsOf(compared);
}
