/** What a process holds in memory, by rounds. */
import type { Namespace } from '../../test/helpers/netns.js';

/** MiB. */
export interface Resident {
  /** All, with what is shared. */
  resident: number;
  /** The part that is nobody else's and no file's. */
  own: number;
  peak: number;
}

export async function readResident(at: Namespace, pid: number): Promise<Resident> {
  const status = await at.read(`/proc/${pid}/status`);
  const [resident, own, peak] = ['VmRSS', 'RssAnon', 'VmHWM'].map(
    (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024,
  ) as [number, number, number];
  return { resident, own, peak };
}

/**
 * The least of several readings: what is held on to. Between them come buffers that a burst has filled, and what waits
 * for the collector.
 */
export function least(readings: readonly Resident[]): Resident {
  const of = (pick: (reading: Resident) => number): number => Math.min(...readings.map(pick));
  return { resident: of((r) => r.resident), own: of((r) => r.own), peak: of((r) => r.peak) };
}
