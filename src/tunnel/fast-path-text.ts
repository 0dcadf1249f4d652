/** What a program of the fast path has left with DF, in the same words wherever they are printed. */

export function keepsDf(device: string, packets: number): string {
  return `${packets} packets passed ${device} with DF: TCP with identification 0, merged on receipt (GRO)`;
}

/** What to do about it, in a site file or by hand. */
export const KEEPS_DF_CURE =
  'put a queue behind it (queue: 0 in the site file), or ethtool -K DEV gro off on the device they come in by';
