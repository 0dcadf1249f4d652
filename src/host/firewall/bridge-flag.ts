/** A bridge's own `nf_call_iptables`, which `ip link set BRIDGE type bridge nf_call_iptables 1` switches on. */
import * as z from 'zod';
import { type Runner } from '../exec.js';
import { readJson } from '../facts/json.js';

const links = z.array(
  z.object({
    master: z.string().optional(),
    linkinfo: z
      .object({
        info_kind: z.string().optional(),
        info_data: z.object({ nf_call_iptables: z.number().optional() }).optional(),
      })
      .optional(),
  }),
);

/**
 * Whether the bridge of a port passes frames to iptables by its own flag; undefined when the device is no bridge port.
 * Asked over netlink: `/sys/class/net` shows the network namespace that it was mounted in.
 * @throws ClearDfError RUNTIME when there is no such device, ENVIRONMENT when `ip` prints no JSON
 */
export async function readBridgeFlag(runner: Runner, port: string): Promise<boolean | undefined> {
  const master = (await details(runner, port))?.master;
  if (master === undefined) return undefined;
  const { info_kind: kind, info_data: data } = (await details(runner, master))?.linkinfo ?? {};
  return kind === 'bridge' ? data?.nf_call_iptables === 1 : undefined;
}

async function details(runner: Runner, device: string): Promise<z.output<typeof links>[number] | undefined> {
  const args = ['-d', '-j', 'link', 'show', 'dev', device];
  const text = await runner.query('ip', args);
  return readJson(links, text, `ip ${args.join(' ')}`)[0];
}
