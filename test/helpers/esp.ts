/** Static ESP keys for both ends of the article's tunnel. */
import { newKeys } from '../../src/tunnel/key-file.js';
import type { EspCipher, EspMode } from '../../src/tunnel/site.js';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';

/** Writes a key file that only its owner may read; returns the site file's `carrier:`. */
export async function espCarrier({ lab }: Article, mode: EspMode, cipher: EspCipher): Promise<string> {
  const file = `${await lab.scratch()}/${mode}-${cipher}.keys`;
  const spec = { type: 'esp', mode, cipher, keys: file, reqid: 1 } as const;
  const text = newKeys({ local: ROUTER_A, remote: ROUTER_B, carrier: spec } as Parameters<typeof newKeys>[0]);
  await lab.machine.writeFile(file, text, 0o600);
  return `{ type: esp, mode: ${mode}, cipher: ${cipher}, keys: ${file} }`;
}
