/**
 * The topologies that several tests share.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 */
import type { Machine } from './machine.js';
import { Lab, type Namespace } from './netns.js';

export interface Routed {
  lab: Lab;
  client: Namespace;
  router: Namespace;
  server: Namespace;
}

export const CLIENT = '10.0.0.2';
export const ROUTER = '10.0.0.1';
export const SERVER = '10.0.1.2';

/** Client, forwarding router and server; the far link's both ends have `farMtu`. On this machine, or in a guest. */
export async function routed(farMtu = 1400, machine?: Machine): Promise<Routed> {
  const lab = await Lab.create(machine);
  try {
    const hosts = {
      client: { ip: [`route add default via ${ROUTER}`] },
      router: { sysctl: { 'net.ipv4.ip_forward': 1 } },
      // As if the small link were in the middle: the server invites full-size segments, 1500 - 40.
      server: { ip: ['route add default via 10.0.1.1 advmss 1460'] },
    };
    const namespaces = await lab.build(hosts, [
      [
        { at: 'client', dev: 'eth0', address: `${CLIENT}/24` },
        { at: 'router', dev: 'eth0', address: `${ROUTER}/24` },
      ],
      [
        { at: 'router', dev: 'eth1', address: '10.0.1.1/24', mtu: farMtu },
        { at: 'server', dev: 'eth0', address: `${SERVER}/24`, mtu: farMtu },
      ],
    ]);
    return { lab, ...namespaces };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Forgets what ICMP taught the host about path MTUs. */
export async function forgetPathMtu(namespace: Namespace): Promise<void> {
  await namespace.ip('route', 'flush', 'cache');
}

/** The path MTU that the host has learnt towards `destination`; undefined when it has learnt none. */
export async function learntPathMtu(namespace: Namespace, destination: string): Promise<number | undefined> {
  const mtu = /\bmtu (\d+)/.exec(await namespace.ip('route', 'get', destination))?.[1];
  return mtu === undefined ? undefined : Number(mtu);
}
