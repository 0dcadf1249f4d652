/** IPsec policies for the packets of a tunnel, as `ip xfrm policy` shows them. */
import type { XfrmPolicy } from './facts.js';

/** Whether a policy is for all GRE from one single address to another; a guard of ours names a key, too. */
export function isGrePolicy(policy: XfrmPolicy, source: string, destination: string): boolean {
  return isForGre(policy) && policy.greKey === undefined && isBetween(policy, source, destination);
}

/** Whether a policy is for GRE with this key (0: without one) from one single address to another. */
export function isKeyedGrePolicy(policy: XfrmPolicy, source: string, destination: string, key: number): boolean {
  return isForGre(policy) && policy.greKey === key && isBetween(policy, source, destination);
}

/** Whether a policy is for packets from one single address to another. */
export function isBetween(policy: XfrmPolicy, source: string, destination: string): boolean {
  return bare(policy.source) === source && bare(policy.destination) === destination;
}

function isForGre({ protocol }: XfrmPolicy): boolean {
  return protocol === 'gre' || protocol === '47';
}

function bare(prefix: string): string {
  return prefix.replace(/\/32$/, '');
}
