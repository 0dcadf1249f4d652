/**
 * A queue and its thread, event by event: packets come, wait in the receive buffer, are taken in batches, and leave
 * when their batch is answered. Shows what costs alone do not: loss, delay, and what waking up adds at a low rate. Pure.
 */
import { type Arrivals, arrive } from './arrivals.js';
import { isWorthPauses } from './cost.js';
import { randomSource } from './random.js';

/** Times in nanoseconds. */
export interface Worker {
  /** For each packet. */
  packet: number;
  /** Packets in a batch at most. */
  batch: number;
  /** Processor time for each time that it has slept. */
  wake: number;
  /** From what wakes it until it runs. */
  wakeDelay: number;
  /** Packets that may wait or be worked on; others are lost. */
  room: number;
  /** `--coalesce`: how long it sleeps behind a batch that was not full, while packets come fast enough; 0: never. */
  coalesce: number;
}

export interface Simulated {
  arrived: number;
  answered: number;
  lost: number;
  wakes: number;
  batches: number;
  /** Processor time, nanoseconds. */
  busy: number;
  /** From the start until the last packet was answered, nanoseconds. */
  elapsed: number;
  /** Of each answered packet, from its arrival, nanoseconds; in the order of their arrival. */
  delays: number[];
}

/** Of the rate that the thread remembers, how much is of its last batch. */
const RECENT = 0.25;

/** Runs one queue for so many seconds of arrivals, and to its end. The same seed gives the same packets. */
export function simulateQueue(arrivals: Arrivals, worker: Worker, seconds: number, seed: number): Simulated {
  const packets = arrive(arrivals, seconds * 1e9, randomSource(seed));
  const done: Simulated = {
    ...{ arrived: 0, answered: 0, lost: 0, wakes: 0, batches: 0, busy: 0, elapsed: 0 },
    delays: [],
  };
  const nextArrival = (): number => {
    const { done: over, value } = packets.next();
    return over === true ? Infinity : value;
  };
  /** Arrival times of what waits, from `head` on. */
  let waiting: number[] = [];
  // Asleep, until the first one comes.
  let [head, next, now, last, recent] = [0, nextArrival(), -1, 0, 0];

  const comeUntil = (time: number): void => {
    for (; next <= time; next = nextArrival()) {
      done.arrived++;
      if (waiting.length - head >= worker.room) done.lost++;
      else waiting.push(next);
    }
  };
  const sleepUntil = (time: number): void => {
    now = time + worker.wakeDelay + worker.wake;
    done.busy += worker.wake;
    done.wakes++;
    comeUntil(now);
  };
  const answer = (): number => {
    const taken = Math.min(worker.batch, waiting.length - head);
    const cost = taken * worker.packet;
    now += cost;
    done.busy += cost;
    done.batches++;
    // They have their room until they are answered.
    comeUntil(now);
    for (let i = 0; i < taken; i++) done.delays.push(now - (waiting[head + i] as number));
    head += taken;
    if (head > 4096) [waiting, head] = [waiting.slice(head), 0];
    done.answered += taken;
    return taken;
  };

  for (;;) {
    comeUntil(now);
    if (waiting.length === head) {
      if (next === Infinity) break;
      sleepUntil(next);
    }
    const taken = answer();
    recent += RECENT * (taken / Math.max(1, now - last) - recent);
    last = now;
    if (taken < worker.batch && isWorthPauses(1e9 * recent, worker.coalesce)) {
      sleepUntil(now + worker.coalesce);
    }
  }
  done.elapsed = Math.max(0, now);
  return done;
}
