/** TCP and UDP from host A to host B of the article's network, whole. */
import { expect } from 'vitest';
import { type Article, HOST_B } from './article.js';
import { datagrams } from './datagrams.js';
import { deliver } from './delivery.js';

/** Sends `bytes` by TCP, in GSO packets, and `count` full-size datagrams: nothing is lost, late or harmed. */
export async function expectFlowsWhole({ hA, hB }: Article, bytes: number, count: number): Promise<void> {
  const stream = await deliver(hA, hB, HOST_B, bytes);
  expect(stream.grew('TcpInCsumErrors')).toBe(0);
  const flow = await datagrams(hA, hB, HOST_B, { count });
  expect(flow).toMatchObject({ sent: count, lost: 0, outOfOrder: 0 });
  expect(flow.grew('UdpInCsumErrors')).toBe(0);
}
