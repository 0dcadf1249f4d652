/** L2TPv3 tunnels and sessions. `ip l2tp` prints cookies; they become a digest at once and are kept nowhere. */
import * as z from 'zod';
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../../tunnel/facts.js';
import { cookiesDigest } from '../../tunnel/items/l2tp.js';
import type { Runner } from '../exec.js';
import { readList } from './json.js';

const tunnel = z.object({
  tunnel_id: z.number(),
  peer_tunnel: z.number(),
  encap: z.enum(['UDP', 'IP']),
  local: z.string(),
  peer: z.string(),
  local_port: z.number().optional(),
  peer_port: z.number().optional(),
});

const session = z.object({
  session_id: z.number(),
  tunnel_id: z.number(),
  peer_session_id: z.number(),
  interface: z.string().default(''),
  cookie: z.string().optional(),
  peer_cookie: z.string().optional(),
});

const NONE = { tunnels: [], sessions: [] };

/**
 * All of them; none where the module is not loaded: asking would load it.
 * @param modules those that are loaded now
 * @returns undefined where this process may not look
 * @throws ClearDfError RUNTIME when `ip` failed otherwise: that says nothing about what there is
 */
export async function readL2tp(runner: Runner, modules: ReadonlySet<string>): Promise<Facts['l2tp']> {
  if (!modules.has('l2tp_netlink')) return NONE;
  try {
    const [tunnels, sessions] = await Promise.all([list(runner, 'tunnel', tunnel), list(runner, 'session', session)]);
    return {
      tunnels: tunnels.map((one) => ({
        ...{ id: one.tunnel_id, peerId: one.peer_tunnel, local: one.local, remote: one.peer },
        ...(one.encap === 'IP'
          ? { encapsulation: 'ip' as const }
          : { encapsulation: 'udp' as const, port: one.local_port, peerPort: one.peer_port }),
      })),
      sessions: sessions.map((one) => ({
        ...{ id: one.session_id, tunnelId: one.tunnel_id, peerId: one.peer_session_id, name: one.interface },
        digest: digestOf(one),
      })),
    };
  } catch (error) {
    if (error instanceof ClearDfError && error.code === 'PRIVILEGE') return undefined;
    throw error;
  }
}

function digestOf({ cookie, peer_cookie }: z.output<typeof session>): string {
  if (cookie === undefined && peer_cookie === undefined) return '';
  return cookiesDigest({ out: cookie ?? '', in: peer_cookie ?? '' });
}

async function list<T>(runner: Runner, what: string, schema: z.ZodType<T>): Promise<T[]> {
  const args = ['-j', 'l2tp', 'show', what];
  return readList(schema, await runner.query('ip', args), `ip ${args.join(' ')}`).items;
}
