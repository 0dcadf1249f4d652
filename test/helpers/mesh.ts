/**
 * Three sites in one VXLAN, without a hub; a test may have five, A to E:
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
export const FIVE = [...SITES, 'D', 'E'] as const;
type AnySite = (typeof FIVE)[number];
export const routerOf = (site: AnySite) => `192.168.200.${FIVE.indexOf(site) + 1}`;
export const hostOf = (site: AnySite) => `10.32.0.${FIVE.indexOf(site) + 1}`;
export const PAIRS: [MeshSite, MeshSite][] = [
  ['A', 'B'],
  ['A', 'C'],
  ['B', 'C'],
];

export interface Mesh<Site extends AnySite = MeshSite> {
  lab: Lab;
  h: Record<Site, Namespace>;
  r: Record<Site, Namespace>;
  w: Namespace;
}

/** The site file of one router, with all others as its other ends unless `remotes` says which; `more` begins with the tunnel. */
export async function meshEnd({ r }: Mesh, site: MeshSite, options: SiteOptions = {}): Promise<TunnelEnd> {
  const remotes = options.remotes ?? SITES.filter((other) => other !== site).map(routerOf);
  const file = `${await r[site].lab.scratch()}/mesh-${site}.yaml`;
  const more = options.more ?? ['tunnel: { type: vxlan }'];
  return TunnelEnd.rewrite(r[site], file, `mesh-${site}`, routerOf(site), '', {
    engine: 'bpf',
    ...options,
    remotes,
    more,
  });
}

/** The network, before any tunnel is there. */
export async function mesh(machine?: Machine): Promise<Mesh> {
  return meshOf(SITES, machine);
}

/** The same of as many sites as are named. */
export async function meshOf<Site extends AnySite>(sites: readonly Site[], machine?: Machine): Promise<Mesh<Site>> {
  const lab = await Lab.create(machine);
  const bare = sites.flatMap((site) => [`h${site}`, `r${site}`]);
  const made = await lab.build<string>(
    {
      ...Object.fromEntries(bare.map((name) => [name, {}])),
      w: { ip: ['link add br0 type bridge', 'link set br0 up'] },
    },
    sites.flatMap((site) => [
      [
        { at: `h${site}`, dev: 'eth0', address: `${hostOf(site)}/24` },
        { at: `r${site}`, dev: 'eth0' },
      ] as const,
      [
        { at: `r${site}`, dev: 'eth1', address: `${routerOf(site)}/24` },
        { at: 'w', dev: site },
      ] as const,
    ]),
  );
  const w = lab.at('w');
  for (const site of sites) await w.ip('link', 'set', site, 'master', 'br0');
  const named = (letter: string) =>
    Object.fromEntries(sites.map((site) => [site, made[`${letter}${site}`]])) as Record<Site, Namespace>;
  return { lab, h: named('h'), r: named('r'), w };
}
