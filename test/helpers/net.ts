/** A net as an operator makes it: one file, `clear-df net write`, and each router's own folder. */
import { clearDf } from './clear-df.js';
import { type Mesh, routerOf } from './mesh.js';
import { TunnelEnd } from './tunnel.js';

type Site = Parameters<typeof routerOf>[0];

/** Writes the file of a mesh of these sites, and those of its routers. @returns what `net write` says */
export async function writeMesh<S extends Site>({ lab, r }: Mesh<S>, sites: readonly S[]): Promise<string> {
  const lines = sites.map((site) => `  ${site}: { local: ${routerOf(site)} }\n`);
  const alike = 'shape: mesh\nengine: bpf\nunderlay: eth1\nbridge: { ports: [eth0] }\n';
  const file = await netFile({ lab });
  await lab.machine.writeFile(file, `${alike}sites:\n${lines.join('')}`);
  const { exitCode, stdout, stderr } = await clearDf(r[sites[0] as S], ['net', 'write', file], 60_000);
  if (exitCode !== 0) throw new Error(`net write failed (${exitCode}): ${stderr}`);
  return stdout;
}

export async function netFile({ lab }: Pick<Mesh, 'lab'>): Promise<string> {
  return `${await lab.scratch()}/lan.net.yaml`;
}

/** The end of one router, by the file that was written for it. */
export async function endOf<S extends Site>({ lab, r }: Mesh<S>, site: S): Promise<TunnelEnd> {
  return new TunnelEnd(r[site], `${await lab.scratch()}/lan/${site}/lan.yaml`, 'bpf', false);
}
