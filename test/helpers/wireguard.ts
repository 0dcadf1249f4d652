/** WireGuard between the article's routers: wg0 on both, 10.97.0.1 and 10.97.0.2. */
import { type Article, ROUTER_A, ROUTER_B } from './article.js';
import type { Namespace } from './netns.js';
import { ping } from './traffic.js';
import { until } from './until.js';
import type { Vpn } from './vpn.js';

export const WIREGUARD_A = '10.97.0.1';
export const WIREGUARD_B = '10.97.0.2';
const PORT = 51820;
/** The kernel's own default: 1500 less what WireGuard over IPv6 takes. */
export const WIREGUARD_MTU = 1420;

interface Peer {
  at: Namespace;
  /** Inside and outside. */
  address: string;
  outer: string;
  /** File with the private key. */
  key: string;
  publicKey: string;
}

async function peer(at: Namespace, name: string, address: string, outer: string): Promise<Peer> {
  const key = `${await at.lab.scratch()}/${name}.key`;
  const secret = await at.exec('wg', ['genkey']);
  await at.machine.writeFile(key, `${secret}\n`, 0o600);
  return { at, address, outer, key, publicKey: await at.feed(secret, 'wg', ['pubkey']) };
}

async function raise({ at, address, key }: Peer, other: Peer, mtu: number): Promise<void> {
  await at.ip('link', 'add', 'wg0', 'mtu', String(mtu), 'type', 'wireguard');
  const end = ['endpoint', `${other.outer}:${PORT}`, 'allowed-ips', `${other.address}/32`];
  await at.exec('wg', ['set', 'wg0', 'listen-port', String(PORT), 'private-key', key, 'peer', other.publicKey, ...end]);
  await at.ip('address', 'add', `${address}/24`, 'dev', 'wg0');
  await at.ip('link', 'set', 'wg0', 'up');
}

/** WireGuard, and a way to bring it up on another router A with the same keys. */
export interface WireGuard extends Vpn {
  again(rA: Namespace): Promise<void>;
}

export async function wireguard({ rA, rB }: Article): Promise<WireGuard> {
  const a = await peer(rA, 'wg-a', WIREGUARD_A, ROUTER_A);
  const b = await peer(rB, 'wg-b', WIREGUARD_B, ROUTER_B);
  const start = async (mtu = WIREGUARD_MTU): Promise<void> => {
    await raise(a, b, mtu);
    await until('WireGuard answers', async () => (await ping(rA, b.address, { size: 56, count: 1 })).received === 1);
  };
  await raise(b, a, WIREGUARD_MTU);
  await start();
  return {
    ...{
      a: { device: 'wg0', address: a.address },
      b: { device: 'wg0', address: b.address },
      mtu: WIREGUARD_MTU,
      start,
    },
    filter: `udp port ${PORT}`,
    stop: async () => void (await rA.ip('link', 'delete', 'wg0')),
    again: async (at) => raise({ ...a, at }, b, WIREGUARD_MTU),
  };
}
