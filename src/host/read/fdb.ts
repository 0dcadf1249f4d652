/** Where a VXLAN device sends frames that nobody is known for. */
import * as z from 'zod';
import type { Link } from '../../tunnel/facts.js';
import type { Runner } from '../exec.js';
import { readList } from './json.js';

const ALL = '00:00:00:00:00:00';

const entry = z.object({ mac: z.string(), dst: z.string().optional() });

/** Addresses of the other ends; undefined where there is no VXLAN device of this name. */
export async function readFdb(runner: Runner, name: string, links: readonly Link[]): Promise<string[] | undefined> {
  if (!links.some((link) => link.name === name && link.kind === 'vxlan')) return undefined;
  const args = ['-j', 'fdb', 'show', 'dev', name];
  const { items } = readList(entry, await runner.query('bridge', args), `bridge ${args.join(' ')}`);
  return items.flatMap(({ mac, dst }) => (mac === ALL && dst !== undefined ? [dst] : []));
}
