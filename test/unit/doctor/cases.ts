/** What the cases of several groups share: rules, flags and answers of a kernel. */
import type { FindingState } from '../../../src/doctor/finding.js';
import { type Change, NOT_READ, bridged, sysctls } from './machine.js';

/** What a check says of a machine: check, machine, state, what the line holds, what mends it. */
export type Case = [check: string, change: Change, state: FindingState, holds: RegExp, mend?: RegExp];

export const INNER =
  '-A FORWARD -m physdev --physdev-out gretap1 --physdev-is-bridged -j NFQUEUE --queue-num 0 --queue-bypass';
export const OUTER = '-A OUTPUT -p gre -j NFQUEUE --queue-num 0';
export const CALLS = sysctls({ 'net/bridge/bridge-nf-call-iptables': '1' });
export const fragOff = (value: unknown) => [
  { mangle: { key: { payload: { protocol: 'ip', field: 'frag-off' } }, value } },
];
export const MASKED = fragOff({ '&': [{ payload: { protocol: 'ip', field: 'frag-off' } }, 49_151] });
export const no = (evidence: string) => ({ answer: 'no' as const, evidence });
export const maybe = (evidence: string) => ({ answer: 'unknown' as const, evidence });
export const yes = { answer: 'yes' as const, evidence: 'tried' };
export const noSaves = new Map([['iptables-nft' as const, NOT_READ]]);
/** gretap1 with these flags, and rules. */
export const tunnel = (flags: Record<string, unknown>, ...changes: Change[]): Change =>
  Object.assign({}, bridged(flags), ...changes) as Change;
