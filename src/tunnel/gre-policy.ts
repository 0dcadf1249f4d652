/** IPsec policies for the packets of a tunnel, as `ip xfrm policy` shows them. */
import type { XfrmPolicy } from './facts.js';

/** Whether a policy is for GRE from one single address to another. */
export function isGrePolicy(policy: XfrmPolicy, source: string, destination: string): boolean {
  return (policy.protocol === 'gre' || policy.protocol === '47') && isBetween(policy, source, destination);
}

/** Whether a policy is for packets from one single address to another. */
export function isBetween(policy: XfrmPolicy, source: string, destination: string): boolean {
  return bare(policy.source) === source && bare(policy.destination) === destination;
}

function bare(prefix: string): string {
  return prefix.replace(/\/32$/, '');
}
