/** Kernel parameters that the doctor asks about. */
import { readSysctls } from '../facts/sysctls.js';
import { readSysctl } from '../sysctl.js';

const SINGLE = ['net/core/rmem_max', 'net/netfilter/nf_conntrack_count', 'net/netfilter/nf_conntrack_max'];

/** Values by name with slashes; what cannot be read is not among them. Never throws. */
export function readParameters(devices: readonly string[]): Map<string, string> {
  const values = readSysctls(devices);
  for (const key of SINGLE) {
    const value = readOne(key);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

function readOne(key: string): string | undefined {
  try {
    return readSysctl(key);
  } catch {
    return undefined;
  }
}
