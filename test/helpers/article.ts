/**
 * The article's network, before any tunnel is there.
 *
 *        hA                     rA                          w                          rB                    hB
 *      eth0 ──────────── eth0 (no address)                                    eth0 (no address) ──────────── eth0
 *   10.32.0.50/24          eth1 ───────────── eth0          eth1 ───────────── eth1              10.32.0.111/24
 *                   192.168.200.1/24   192.168.200.2/24   172.16.0.2/24   172.16.0.1/24
 *
 * Every link is a veth of MTU 1500; w forwards; rA and rB have their default route through w. hA and hB are in one
 * subnet and reach each other once the routers bridge eth0 with a tunnel: neither bridge nor tunnel is made here.
 * IPv6 is off everywhere. Loading ip_gre gives every namespace gre0, gretap0 and erspan0 of its own, all down.
 */
import { expect } from 'vitest';
import type { Guest } from './guest.js';
import type { Machine } from './machine.js';
import { Lab, type Namespace } from './netns.js';

export const HOST_A = '10.32.0.50';
export const HOST_B = '10.32.0.111';
export const ROUTER_A = '192.168.200.1';
export const ROUTER_B = '172.16.0.1';

export interface Article {
  lab: Lab;
  hA: Namespace;
  rA: Namespace;
  /** The WAN; its eth0 is rA's side, its eth1 is rB's. */
  w: Namespace;
  rB: Namespace;
  hB: Namespace;
}

/** Makes the network; `wanMtu` is that of both WAN links, at both ends. */
export async function article(machine: Machine, { wanMtu = 1500 }: { wanMtu?: number } = {}): Promise<Article> {
  const lab = await Lab.create(machine);
  try {
    const hosts = {
      hA: {},
      rA: { ip: ['route add default via 192.168.200.2'] },
      w: { sysctl: { 'net.ipv4.ip_forward': 1 } },
      rB: { ip: ['route add default via 172.16.0.2'] },
      hB: {},
    };
    const made = await lab.build(hosts, [
      [
        { at: 'hA', dev: 'eth0', address: `${HOST_A}/24` },
        { at: 'rA', dev: 'eth0' },
      ],
      [
        { at: 'rA', dev: 'eth1', address: `${ROUTER_A}/24`, mtu: wanMtu },
        { at: 'w', dev: 'eth0', address: '192.168.200.2/24', mtu: wanMtu },
      ],
      [
        { at: 'w', dev: 'eth1', address: '172.16.0.2/24', mtu: wanMtu },
        { at: 'rB', dev: 'eth1', address: `${ROUTER_B}/24`, mtu: wanMtu },
      ],
      [
        { at: 'hB', dev: 'eth0', address: `${HOST_B}/24` },
        { at: 'rB', dev: 'eth0' },
      ],
    ]);
    return { lab, ...made };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs one story on a network of its own, of which the kernel must not complain. */
export async function inArticle(guest: Guest, use: (net: Article) => Promise<void>): Promise<void> {
  const net = await article(guest);
  try {
    await use(net);
    expect(await guest.kernelComplaints()).toEqual([]);
  } finally {
    await net.lab[Symbol.asyncDispose]();
  }
}
