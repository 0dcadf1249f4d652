/**
 * Three sites in one VXLAN, without a hub:
 *
 *   hA eth0 ─── eth0 rA eth1 ───┐
 *   10.32.0.1   192.168.200.1   │
 *   hB eth0 ─── eth0 rB eth1 ───┤ br0 of w, MTU 1500
 *   10.32.0.2   192.168.200.2   │
 *   hC eth0 ─── eth0 rC eth1 ───┘
 *   10.32.0.3   192.168.200.3
 */
import type { Machine } from './machine.js';
import { Lab, type Namespace } from './netns.js';
import { type SiteOptions, TunnelEnd } from './tunnel.js';

export const SITES = ['A', 'B', 'C'] as const;
export type MeshSite = (typeof SITES)[number];
export const routerOf = (site: MeshSite) => `192.168.200.${SITES.indexOf(site) + 1}`;
export const hostOf = (site: MeshSite) => `10.32.0.${SITES.indexOf(site) + 1}`;
export const PAIRS: [MeshSite, MeshSite][] = [
  ['A', 'B'],
  ['A', 'C'],
  ['B', 'C'],
];

export interface Mesh {
  lab: Lab;
  h: Record<MeshSite, Namespace>;
  r: Record<MeshSite, Namespace>;
  w: Namespace;
}

/** The site file of one router, with all others as its other ends unless `remotes` says which. */
export async function meshEnd({ r }: Mesh, site: MeshSite, options: SiteOptions = {}): Promise<TunnelEnd> {
  const remotes = options.remotes ?? SITES.filter((other) => other !== site).map(routerOf);
  const file = `${await r[site].lab.scratch()}/mesh-${site}.yaml`;
  const more = ['tunnel: { type: vxlan }'];
  return TunnelEnd.rewrite(r[site], file, `mesh-${site}`, routerOf(site), '', {
    engine: 'bpf',
    ...options,
    remotes,
    more,
  });
}

/** The network, before any tunnel is there. */
export async function mesh(machine?: Machine): Promise<Mesh> {
  const lab = await Lab.create(machine);
  const made = await lab.build(
    { hA: {}, hB: {}, hC: {}, rA: {}, rB: {}, rC: {}, w: { ip: ['link add br0 type bridge', 'link set br0 up'] } },
    SITES.flatMap((site) => [
      [
        { at: `h${site}` as const, dev: 'eth0', address: `${hostOf(site)}/24` },
        { at: `r${site}` as const, dev: 'eth0' },
      ] as const,
      [
        { at: `r${site}` as const, dev: 'eth1', address: `${routerOf(site)}/24` },
        { at: 'w' as const, dev: site },
      ] as const,
    ]),
  );
  for (const site of SITES) await made.w.ip('link', 'set', site, 'master', 'br0');
  const h = { A: made.hA, B: made.hB, C: made.hC };
  const r = { A: made.rA, B: made.rB, C: made.rC };
  return { lab, h, r, w: made.w };
}
