/** TCP and UDP from host A to host B of the article's network, whole. */
import { expect } from 'vitest';
import { type Article, HOST_B } from './article.js';
import { datagrams } from './datagrams.js';
import { deliver } from './delivery.js';

/**
 * Sends `bytes` by TCP, in GSO packets, and `count` full-size datagrams: nothing is lost or
 * harmed. Not in what order: a queue's thread may move to another processor once a second, and before 6.5 what it hands
 * back there may overtake what waits in the first one's backlog. fanout.test.ts asks for order, on this machine's kernel.
 */
export async function expectFlowsWhole({ hA, hB }: Article, bytes: number, count: number): Promise<void> {
  const stream = await deliver(hA, hB, HOST_B, bytes);
  expect(stream.grew('TcpInCsumErrors')).toBe(0);
  const flow = await datagrams(hA, hB, HOST_B, { count });
  expect(flow).toMatchObject({ sent: count, lost: 0 });
  expect(flow.grew('UdpInCsumErrors')).toBe(0);
}
