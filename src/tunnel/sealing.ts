/** Which items keep frames from leaving unencrypted. */

/** They stay while the tunnel device does, and a running `up` puts back what somebody takes away. */
const SEALING: ReadonlySet<string> = new Set([
  ...['xfrm-guard', 'xfrm-pass', 'xfrm-block', 'nft-table', 'gre-rule'],
  ...['xfrm-policy', 'policy-rule', 'device-route'],
]);

/** @param kind {@link Item.kind}, which a journal keeps, too */
export function isSealing(kind: string): boolean {
  return SEALING.has(kind);
}
