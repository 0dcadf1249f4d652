/**
 * Identifications on the wire, when the router has merged what it received: `test/helpers/numbered.ts` says what is
 * counted.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *   one segment           GRO on                      captured
 *   a packet, captured
 *
 * With the fast path in front, the program at tc clears what it can, and leaves packets that may have one identification
 * throughout to the queue.
 */
import { afterEach, beforeEach, describe, it } from 'vitest';
import { variants } from '../helpers/more.js';
import { expectNumbered, mergeOnReceipt } from '../helpers/numbered.js';
import { type Routed, routed } from '../helpers/topology.js';

let net: Routed;
beforeEach(async () => {
  net = await routed();
  await mergeOnReceipt(net);
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

describe('packets that GRO has merged', () => {
  it.each([
    // GRO merges them, and the kernel would number all segments of the merged packet alike.
    { sender: 'gives all of them identification 0', constant: true, fast: true },
    ...variants(
      { sender: 'numbers its packets', constant: false, fast: true },
      { sender: 'numbers its packets', constant: false, fast: false },
      { sender: 'gives all of them identification 0', constant: true, fast: false },
    ),
  ])('from a sender that $sender leave with an identification each; fast path: $fast', (how) =>
    expectNumbered(net, how),
  );
});
