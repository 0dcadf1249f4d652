/** TCP whose packets all have identification 0, one segment each: what a router that merges on receipt cannot number. */
import type { Namespace } from './netns.js';

/**
 * Without a device's help the stack segments by itself, behind the rule that sets identifications, and numbers the
 * segments: only packets that are one segment keep what the rule gave them.
 */
export async function sendSegmentsAlone(sender: Namespace, dev: string): Promise<void> {
  await sender.offload(dev, { tso: false, gso: false, tx: false });
  await sender.ip('link', 'set', dev, 'gso_max_segs', '1');
}

const TABLE = 'atomic';

/** RFC 6864 allows it for packets with DF. */
export async function zeroIdentifications(sender: Namespace): Promise<void> {
  await sender.exec('nft', ['add', 'table', 'ip', TABLE]);
  await sender.exec('nft', ['add', 'chain', 'ip', TABLE, 'out', '{ type filter hook output priority 0 ; }']);
  await sender.exec('nft', ['add', 'rule', 'ip', TABLE, 'out', 'ip', 'protocol', 'tcp', 'ip', 'id', 'set', '0']);
}

export async function ownIdentifications(sender: Namespace): Promise<void> {
  await sender.exec('nft', ['delete', 'table', 'ip', TABLE]);
}
