/** Who clears DF of frames before the tunnel device that they leave by; the kernel then cuts what is too large outside. */
import { maySeePort } from './bridge.js';
import { clearsAt } from './fast-path.js';
import { feedsOf, seesPort } from './feed.js';
import type { Check, Finding } from './finding.js';
import type { Device, Machine } from './machine.js';

/** @returns undefined: surely nobody */
export function clearedBefore(check: Check, what: string, machine: Machine, device: Device): Finding | undefined {
  if (clearsAt(machine, device.name) !== undefined) {
    return check.ok(what, 'a program at its egress clears DF before the tunnel, and the kernel cuts outside');
  }
  if (device.master === undefined) return undefined;
  const { feeds, unread } = feedsOf(machine);
  const feed = feeds.find((each) => seesPort(each, device));
  if (feed !== undefined) return check.ok(what, `${feed.backend} ${feed.chain} queues them before the tunnel`);
  const [first] = unread;
  if (first !== undefined) return check.unread(what, first);
  const perhaps = feeds.find((each) => maySeePort(machine, each, device));
  if (perhaps === undefined) return undefined;
  return check.unknown(what, `whether ${perhaps.backend} ${perhaps.chain} queues them depends: ${perhaps.rule}`);
}
