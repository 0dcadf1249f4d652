/** The rounds of a run for the model: every trial once in each, in an order that is drawn anew. */
import { contender as contenderOf } from '../contenders/table.js';
import { shuffled } from '../lab/shuffled.js';
import type { Network } from '../lab/network.js';
import { Ring } from '../loads/ring.js';
import { type ContenderName } from '../record/catalogue.js';
import { type ModelPoint, MODEL_TRIALS, type Trial, trialWords } from '../record/model.js';
import { runPace, runTrial } from './trial.js';

interface ModelEvents {
  onPoint: (point: ModelPoint) => void;
  /** A trial that could not be run: the others go on. */
  onFailure: (where: string, error: unknown) => void;
}

/** Runs them all. A contender is started once in a round, for all of its trials but those at a pace. */
export async function runModelRounds(
  network: Network,
  { rounds, seconds }: { rounds: number; seconds: number },
  events: ModelEvents,
): Promise<void> {
  const names = [...new Set(MODEL_TRIALS.map(({ contender }) => contender))];
  for (let round = 1; round <= rounds; round++) {
    let capacity = 0;
    const tell = (point: ModelPoint): void => {
      const { way, queues, length, df, use } = point;
      if (use === 'fit' && way === 'clear-df' && queues === 1 && length === 1400 && df === 1) capacity = point.rate;
      events.onPoint(point);
    };
    const attempt = async (trial: Trial, run: () => Promise<ModelPoint>): Promise<void> => {
      try {
        tell(await run());
      } catch (error) {
        events.onFailure(`${trialWords(trial, trial.df)}, round ${round}`, error);
      }
    };
    for (const name of shuffled(names)) await inRing(network, name, round, seconds, attempt);
    for (const trial of shuffled(MODEL_TRIALS.filter(({ use }) => use === 'pace'))) {
      await attempt(trial, () => runPace(network, trial, round, seconds, capacity));
    }
  }
}

async function inRing(
  network: Network,
  name: ContenderName,
  round: number,
  seconds: number,
  attempt: (trial: Trial, run: () => Promise<ModelPoint>) => Promise<void>,
): Promise<void> {
  const ring = await Ring.enter(network, contenderOf(name));
  try {
    for (const trial of shuffled(MODEL_TRIALS.filter(({ contender, use }) => contender === name && use !== 'pace'))) {
      await attempt(trial, () => runTrial(ring, trial, round, seconds));
    }
  } finally {
    await ring.leave();
  }
}
