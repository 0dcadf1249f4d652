/** The highest load that a contender survives which ends under too much of it. */
import type { Contender } from '../contenders/contender.js';
import type { Network } from '../lab/network.js';
import type { Load } from '../record/catalogue.js';
import { runCell } from './cell.js';
import type { Outcome } from './spent.js';

const STEPS = 6;
const TRIAL_SECONDS = 1;
/** How much less is tried when what a short trial survived was too much for a whole run. */
const STEP_BACK = 0.9;
const TRIES = 12;

/**
 * Finds it by halving, then runs it in full.
 * @param ceiling packets a second, or bytes of a stream, that are surely too many
 * @throws Error when the contender ends at every rate
 */
export async function survived(
  network: Network,
  contender: Contender,
  load: Load,
  ceiling: number,
  seconds: number,
): Promise<Outcome> {
  let [low, high] = [0, ceiling];
  for (let step = 0; step < STEPS; step++) {
    const middle = Math.max(1, Math.round((low + high) / 2));
    const { ended } = await runCell(network, contender, load, middle, TRIAL_SECONDS);
    if (ended === undefined) low = middle;
    else high = middle;
  }
  // Not even the lowest was survived: go on downwards from there.
  let rate = low === 0 ? high : low;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const outcome = await runCell(network, contender, load, Math.max(1, Math.round(rate)), seconds);
    if (outcome.ended === undefined) return outcome;
    rate *= STEP_BACK;
  }
  throw new Error(`${contender.name} ends at any rate, at ${Math.round(rate)} a second too`);
}
