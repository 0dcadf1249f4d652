/** A bridge's own `nf_call_iptables`, which `ip link set BRIDGE type bridge nf_call_iptables 1` switches on. */
import type { Runner } from '../exec.js';
import { showLink } from '../read/links.js';

/**
 * Whether the bridge of a port passes frames to iptables by its own flag; undefined when the device is no bridge port.
 * Asked over netlink: `/sys/class/net` shows the network namespace that it was mounted in.
 * @throws ClearDfError RUNTIME when there is no such device, ENVIRONMENT when `ip` prints no JSON
 */
export async function readBridgeFlag(runner: Runner, port: string): Promise<boolean | undefined> {
  const master = (await showLink(runner, port))?.master;
  if (master === undefined) return undefined;
  const { info_kind: kind, info_data: data } = (await showLink(runner, master))?.linkinfo ?? {};
  return kind === 'bridge' ? data?.['nf_call_iptables'] === 1 : undefined;
}
