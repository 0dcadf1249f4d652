/** Static ESP keys for both ends of the article's tunnel. */
import { newKeys } from '../../src/tunnel/key-file.js';
import type { EspCipher, EspMode } from '../../src/tunnel/site.js';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';

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
