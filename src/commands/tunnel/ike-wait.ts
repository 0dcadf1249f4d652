/** The last step of `up` with IKE: the two ends come together, or it is said why not. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../../errors.js';
import { createRunner, type Runner } from '../../host/exec.js';
import { readIke } from '../../host/read/ike.js';
import { initiate } from '../../host/ike.js';
import type { OpenTunnel } from '../../host/tunnel/open.js';
import type { Logger } from '../../log.js';
import type { IkeFacts } from '../../tunnel/facts.js';
import { judgePair, sealing } from '../../tunnel/carriers/ike/judge.js';
import { connectionName, type IkeSite, pairsOf, withIke } from '../../tunnel/carriers/ike/names.js';
import { type IkeFailure, whyNot } from '../../tunnel/carriers/ike/reason.js';

/** The other end may be coming up at the same moment. */
const PATIENCE_MS = 30_000;
/** So soon a signal is seen. */
const ATTEMPT_SECONDS = 5;
const PAUSE_MS = 1000;
/** What charon has is asked so often at most, however many other ends there are. */
const LOOK_MS = 250;
/** Attempts that cross make two of everything, to be renewed for ever: one end gives the other so much time. */
const HEAD_START_MS = 3000;

/**
 * Waits until there are keys, at most {@link PATIENCE_MS}. That there are none is no failure: the other end may come up
 * later, and the policies that are there already let nothing out readable.
 */
export async function awaitIke(tunnel: OpenTunnel, log: Logger, stop: AbortSignal): Promise<void> {
  const site = withIke(tunnel.site);
  if (site === undefined) return;
  const end = Date.now() + PATIENCE_MS;
  const runner = createRunner({ log, stop });
  const look = sharedLook(() => readIke(runner, site, false));
  const all = await Promise.all(
    pairsOf(site).map(async (pair) => ({
      pair,
      failure: await tryUntil(end, { pair, look, runner }, log, stop).catch(unknown),
    })),
  );
  for (const { pair, failure } of all) {
    if (failure === undefined) continue;
    log.warn({ hint: failure.hint }, `no keys yet: ${failure.words}; ${failure.hint}`);
    log.warn(`nothing leaves unencrypted meanwhile; every frame for ${pair.remote} makes charon try again`);
  }
  const failure = all.find((one) => one.failure !== undefined)?.failure;
  tunnel.journal.ikeEnded(failure && { at: Date.now(), words: failure.words, hint: failure.hint });
}

/** The tunnel is up by now, whatever becomes of the question. */
function unknown(error: unknown): IkeFailure {
  if (!(error instanceof ClearDfError)) throw error;
  return { words: error.message, hint: error.hint ?? 'swanctl --list-sas', final: true };
}

type Look = (fresh?: boolean) => Promise<IkeFacts | undefined>;

/** One answer for all who ask before it has come, or within {@link LOOK_MS} from then; fresh: one that is asked for now. */
export function sharedLook(read: () => Promise<IkeFacts | undefined>): Look {
  let last: { until: number; facts: Promise<IkeFacts | undefined> } | undefined;
  return (fresh = false) => {
    if (last !== undefined && !fresh && Date.now() < last.until) return last.facts;
    const own = { until: Infinity, facts: read() };
    const settle = () => void (own.until = Date.now() + LOOK_MS);
    own.facts.then(settle, settle);
    last = own;
    return own.facts;
  };
}

/** @returns why there are no keys, or undefined */
async function tryUntil(
  end: number,
  { pair, look, runner }: { pair: IkeSite; look: Look; runner: Runner },
  log: Logger,
  stop: AbortSignal,
): Promise<IkeFailure | undefined> {
  let failure: IkeFailure | undefined;
  const ownTurn = Date.now() + (isHigher(pair.local, pair.remote) ? HEAD_START_MS : 0);
  let made = false;
  for (;;) {
    const facts = await look(made);
    made = false;
    if (facts !== undefined && sealing(pair, facts) !== undefined) {
      log.info(`IKE: ${judgePair(pair, facts, undefined, Date.now()).words}`);
      return undefined;
    }
    if (Date.now() > end || stop.aborted) return failure ?? whyNot(pair, 'not established after all');
    const name = connectionName(pair);
    // One attempt at a time: charon goes on with one that has not ended.
    const underWay = facts?.associations.some(({ connection }) => connection === name) === true;
    if (underWay || Date.now() < ownTurn) {
      await pause(PAUSE_MS);
      continue;
    }
    const said = await initiate(runner, name, ATTEMPT_SECONDS);
    if (said === undefined) {
      made = true;
      continue;
    }
    failure = whyNot(pair, said);
    if (failure.final) return failure;
    await pause(PAUSE_MS);
  }
}

/** Of two dotted addresses. */
function isHigher(one: string, other: string): boolean {
  const number = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return number(one) > number(other);
}
