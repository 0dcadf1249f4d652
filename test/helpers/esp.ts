/** ESP between the ends of the article's tunnel: static keys, and what must not leave beside it. */
import { expect } from 'vitest';
import { newKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import type { EspCipher, EspMode } from '../../src/tunnel/site/site.js';
import { type Article, HOST_B, ROUTER_A, ROUTER_B } from './article.js';
import { xfrmTroubles } from './kernel.js';
import { ping } from './traffic.js';

let files = 0;

/** Writes a new key file that only its owner may read; returns the site file's `carrier:`. */
export async function espCarrier(net: Article, mode: EspMode, cipher: EspCipher): Promise<string> {
  return `{ type: esp, mode: ${mode}, cipher: ${cipher}, keys: ${await keyFile(net, cipher)} }`;
}

/** The same in UDP; `more` is more of the map: `port: 4501`. */
export async function espInUdpCarrier(net: Article, mode: EspMode, cipher: EspCipher, ...more: string[]) {
  const parts = [`type: esp-in-udp, mode: ${mode}, cipher: ${cipher}, keys: ${await keyFile(net, cipher)}`, ...more];
  return `{ ${parts.join(', ')} }`;
}

/** A file of new keys for the two routers. */
export async function keyFile({ lab }: Article, cipher: EspCipher): Promise<string> {
  const file = `${await lab.scratch()}/${cipher}-${++files}.keys`;
  const carrier = { type: 'esp', mode: 'transport', cipher, keys: file, reqid: 1, ike: undefined } as const;
  const text = newKeys({ local: ROUTER_A, remote: ROUTER_B, carrier } as Parameters<typeof newKeys>[0]);
  await lab.machine.writeFile(file, text, 0o600);
  return file;
}

/**
 * While rB has no gretap, 3 large packets from hA are opened there and go nowhere. The kernel's ICMP errors would quote
 * them, readable, on the WAN: they are blocked, and counted. That none was seen is for the story's capture to say.
 */
export async function losesInSilence({ hA, rB }: Article): Promise<void> {
  const before = await xfrmTroubles(rB);
  await rB.ip('link', 'set', 'gretap1', 'down');
  expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
  const { XfrmOutPolBlock = 0, ...others } = await xfrmTroubles(rB);
  // hA may have asked for addresses as well.
  expect(XfrmOutPolBlock).toBeGreaterThanOrEqual(3);
  expect(others).toEqual(before);
  await rB.ip('link', 'set', 'gretap1', 'up');
  expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
}
