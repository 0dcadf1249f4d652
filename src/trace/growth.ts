/** The kernel's counters before and after: what grew while the trace ran, whoever's packets it was. */

/** Absolute counters by name: `IpFragFails`, `gretap1 TX errors`, `queue 0 dropped, full`. */
export type Counters = ReadonlyMap<string, number>;

export interface Growth {
  counter: string;
  by: number;
}

/** In the order of `after`; one that was not there before counts from 0. */
export function growths(before: Counters, after: Counters): Growth[] {
  return [...after].flatMap(([counter, value]) => {
    const by = value - (before.get(counter) ?? 0);
    return by > 0 ? [{ counter, by }] : [];
  });
}

/** What a device calls the packets that it refused to send. */
export const txErrorsOf = (device: string): string => `${device} TX errors`;
