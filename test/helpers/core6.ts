/**
 * An IPv6 core in the article's network (`article.ts`), and two tenants' ends of SRv6 on it.
 *
 *      rA eth1 ─────────────────── eth0  w  eth1 ─────────────────── eth1 rB
 *   2001:db8:a::1/64      2001:db8:a::2  2001:db8:b::2      2001:db8:b::1/64
 *   segments fc00:a::/64      segments fc00:e::1-3: End      segments fc00:b::/64
 *
 * IPv6 is on only on these four interfaces. w leads fc00:a::/64 to rA and fc00:b::/64 to rB; both routers have their
 * IPv6 default route through w. A VRF was there once in each router: the kernel's rule for VRFs stays for good.
 */
import { compareVersions } from '../../scripts/lab/suites.js';
import type { Article } from './article.js';
import type { Namespace } from './netns.js';
import type { SiteOptions } from './tunnel.js';

/** Tunnel's addresses in the tenants' VRFs, the same for every tenant: nothing else in the network has them. */
export const TENANT_A = '10.255.0.1';
export const TENANT_B = '10.255.0.2';
export const CORE_A = '2001:db8:a::1';
export const CORE_B = '2001:db8:b::1';
/** On w. */
const WAYPOINTS = ['fc00:e::1', 'fc00:e::2', 'fc00:e::3'];

export interface TenantOptions {
  /** 100, 200: VRF, table, and the last part of its segments. */
  tenant?: number;
  /** How many segments lead to the other end, its own included. */
  segments?: number;
  encap?: 'encap' | 'encap.red';
  cut?: 'auto' | 'whole' | 'second-hop';
}

const GATEWAY_A = '2001:db8:a::2';
const GATEWAY_B = '2001:db8:b::2';

/** Makes the core; the guest needs the modules `vrf` and `ip_gre` before. */
export async function core6({ rA, w, rB }: Article): Promise<void> {
  await interface6(w, 'eth0', `${GATEWAY_A}/64`);
  await interface6(w, 'eth1', `${GATEWAY_B}/64`);
  await w.sysctl({ 'net.ipv6.conf.all.forwarding': 1 });
  await routerA6(rA);
  await router6(rB, CORE_B, GATEWAY_B);
  await w.ip('-6', 'route', 'add', 'fc00:a::/64', 'via', CORE_A);
  await w.ip('-6', 'route', 'add', 'fc00:b::/64', 'via', CORE_B);
  for (const segment of WAYPOINTS) {
    await w.ip('-6', 'route', 'add', `${segment}/128`, ...'encap seg6local action End dev eth1'.split(' '));
  }
}

/** Router A's part of the core. */
export async function routerA6(rA: Namespace): Promise<void> {
  await router6(rA, CORE_A, GATEWAY_A);
}

async function router6(router: Namespace, address: string, gateway: string): Promise<void> {
  await interface6(router, 'eth1', `${address}/64`);
  await router.ip('-6', 'route', 'add', 'default', 'via', gateway);
  await router.ip('link', 'add', 'once', 'type', 'vrf', 'table', '99');
  await router.ip('link', 'delete', 'once');
}

async function interface6(at: Namespace, dev: string, address: string): Promise<void> {
  // Nobody else has the address, and a tentative one would look like a change later.
  await at.sysctl({ [`net.ipv6.conf.${dev}.accept_dad`]: 0, [`net.ipv6.conf.${dev}.disable_ipv6`]: 0 });
  await at.ip('address', 'add', address, 'dev', dev, 'nodad');
}

/** The MTU of the whole core. */
export async function coreMtu({ rA, w, rB }: Article, mtu: number): Promise<void> {
  for (const [at, dev] of [
    [rA, 'eth1'],
    [w, 'eth0'],
    [w, 'eth1'],
    [rB, 'eth1'],
  ] as const) {
    await at.ip('link', 'set', dev, 'mtu', String(mtu));
  }
}

/** The site file's `carrier:` on router A and on router B. */
export function srv6Carriers(options: TenantOptions = {}): { a: SiteOptions; b: SiteOptions } {
  const { tenant = 100, segments = 1, encap = 'encap', cut = 'auto' } = options;
  const spec = (own: string, far: string, source: string) =>
    `{ type: srv6, vrf: vrf${tenant}, table: ${tenant}, sid: "fc00:${own}::${tenant}", ` +
    `segments: [${[...WAYPOINTS.slice(0, segments - 1), `fc00:${far}::${tenant}`].map((one) => `"${one}"`).join(', ')}], ` +
    `source: "${source}", encap: ${encap}, cut: ${cut} }`;
  const ends = { local: TENANT_A, remote: TENANT_B };
  return {
    a: { ...ends, carrier: spec('a', 'b', CORE_A) },
    b: { local: TENANT_B, remote: TENANT_A, carrier: spec('b', 'a', CORE_B) },
  };
}

/** Whether kernels of that series let a segment end in a VRF (since 5.11). */
export function hasEndDt4(series: string): boolean {
  return compareVersions(series, '5.11') >= 0;
}
