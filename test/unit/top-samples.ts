/** A made-up history for the tests of `clear-df top`: the same each time. */
import { FAST_COUNTER_NAMES, type FastCounters } from '../../src/fast-path/counters.js';
import { History } from '../../src/report/history.js';
import { ratesBetween } from '../../src/report/rates.js';
import type { Snapshot } from '../../src/report/snapshot.js';
import type { TopState } from '../../src/report/top/draw.js';
import { snapshot } from './report-samples.js';

export function fastCounters(some: Partial<FastCounters> = {}): FastCounters {
  return { packets: 0, ...Object.fromEntries(FAST_COUNTER_NAMES.map((name) => [name, 0])), ...some } as FastCounters;
}

/** Packets up to second `t`: a rate that goes up and down between `low` and `high` in `period` seconds. */
function wave(t: number, period: number, low: number, high: number): number {
  const [middle, swing] = [(low + high) / 2, (high - low) / 2];
  const angle = (2 * Math.PI * t) / period;
  return middle * t + (swing * period * (1 - Math.cos(angle))) / (2 * Math.PI);
}

export interface Site {
  queues: number;
  fastPath?: boolean;
  /** Queue 3 leaks from second `leakFrom` on. */
  leaking?: boolean;
  leakFrom?: number;
  /** Seconds of a wave. */
  period?: number;
}

/** Second `t` of a run. */
export function second(t: number, { queues, fastPath, leaking, leakFrom = 60, period = 40 }: Site): Snapshot {
  const packets = wave(t, period, 9000, 81_000);
  const now = snapshot({
    queues: Array.from({ length: queues }, (_, queue) => ({
      queue,
      counters: {
        packets: Math.round(packets / queues),
        bytes: Math.round((packets * 1443) / queues),
        batches: Math.round(packets / 12 / queues),
        cleared: Math.round((packets * 0.97) / queues),
        alreadyClear: Math.round((packets * 0.03) / queues),
        leaked: leaking === true && queue === 3 ? Math.max(0, t - leakFrom) * 7 : 0,
      },
    })),
    parts: {
      version: '0.1.0',
      name: 'site-a',
      uptimeSeconds: t,
      process: { cpuSeconds: wave(t, period, 20, 65) / 100, residentBytes: 66_060_288 },
      fastPath:
        fastPath === true
          ? ['gretap1', 'gretap2'].map((device, i) => {
              const seen = Math.round(wave(t + (period / 3) * i, period, 40_000, 290_000));
              const counters = fastCounters({
                packets: seen,
                cleared: Math.round(seen * 0.91),
                alreadyClear: Math.round(seen * 0.04),
                leftForQueue: Math.round(seen * 0.05),
              });
              return { device, direction: 'egress' as const, counters };
            })
          : [],
    },
  });
  return { ...now, busiest: { destination: '198.51.100.2', protocol: 47, perSecond: 812, wrapSeconds: 65_536 / 812 } };
}

/** What `clear-df top` holds after two minutes. */
export function topState(site: Site, more: Partial<TopState> = {}): TopState {
  const history = new History(512);
  let before = second(1, site);
  let rates;
  for (let t = 2; t <= 120; t++) {
    const now = second(t, site);
    history.add(now, (rates = ratesBetween(now, before)));
    before = now;
  }
  return { snapshot: before, rates, history, scroll: 0, unicode: true, ...more };
}
