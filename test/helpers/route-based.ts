/** Carriers with a device of their own, for both ends of the article's tunnel, with static keys in a file. */
import { newKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import type { EspCipher } from '../../src/tunnel/site/site.js';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';
import type { Namespace } from './netns.js';

export const INNER_A = '10.255.0.1';
export const INNER_B = '10.255.0.2';

export type RouteBasedType = 'vti' | 'xfrm-interface';
/** Addresses that the tunnel has: of its own, or the routers'. */
export type Addresses = 'inner' | 'own';

/** The device's name where the site file does not say. */
export const DEVICE: Record<RouteBasedType, string> = { vti: 'vti1', 'xfrm-interface': 'ipsec0' };

/** Writes a key file; returns its path and text. */
export async function keyFile({ lab }: Article, cipher: EspCipher): Promise<{ file: string; text: string }> {
  const file = `${await lab.scratch()}/${cipher}.keys`;
  const carrier = { type: 'esp', mode: 'tunnel', cipher, keys: file, reqid: 1, ike: undefined } as const;
  const text = newKeys({ local: ROUTER_A, remote: ROUTER_B, carrier } as Parameters<typeof newKeys>[0]);
  await lab.machine.writeFile(file, text, 0o600);
  return { file, text };
}

/** The site files' `carrier:`, router A's and router B's. */
export async function routeBasedCarriers(
  net: Article,
  type: RouteBasedType,
  addresses: Addresses,
  cipher: EspCipher = 'aes-gcm-256',
): Promise<[string, string]> {
  const { file } = await keyFile(net, cipher);
  const carrier = (local: string, remote: string) => {
    const inner = addresses === 'own' ? '' : `, inner: { local: ${local}, remote: ${remote} }`;
    return `{ type: ${type}, cipher: ${cipher}, keys: ${file}${inner} }`;
  };
  return [carrier(INNER_A, INNER_B), carrier(INNER_B, INNER_A)];
}

/** Packets that a device could not send; `collisions` are those that would have come back to it. */
export async function deviceTroubles(at: Namespace, dev: string): Promise<{ errors: number; collisions: number }> {
  const [link] = JSON.parse(await at.ip('-j', '-s', 'link', 'show', 'dev', dev)) as [
    { stats64: { tx: { errors: number; collisions: number } } },
  ];
  const { errors, collisions } = link.stats64.tx;
  return { errors, collisions };
}
