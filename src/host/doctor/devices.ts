/** Devices with their counters, from `ip -d -s -j link show`. */
import * as z from 'zod';
import type { Device } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { readList } from '../facts/json.js';

const COMMAND = ['-d', '-s', '-j', 'link', 'show'];

const device = z.object({
  ifname: z.string(),
  flags: z.array(z.string()).default([]),
  mtu: z.number(),
  master: z.string().optional(),
  linkinfo: z
    .object({
      info_kind: z.string().optional(),
      info_data: z.record(z.string(), z.unknown()).optional(),
      info_slave_kind: z.string().optional(),
      info_slave_data: z.object({ state: z.unknown() }).optional(),
    })
    .optional(),
  gso_ipv4_max_size: z.number().optional(),
  stats64: z
    .object({
      tx: z.object({
        errors: z.number(),
        carrier_errors: z.number().default(0),
        collisions: z.number().default(0),
      }),
    })
    .optional(),
});
const entry = z.union([device, z.strictObject({})]);

/** Every device of this network namespace. @throws ClearDfError ENVIRONMENT without iproute2 */
export async function readDevices(runner: Runner): Promise<{ devices: Device[]; odd: string[] }> {
  const { items, odd } = readList(entry, await runner.query('ip', COMMAND), `ip ${COMMAND.join(' ')}`);
  const devices = items.flatMap((one) => {
    if (!('ifname' in one)) return [];
    return {
      name: one.ifname,
      mtu: one.mtu,
      up: one.flags.includes('UP'),
      master: one.master,
      kind: one.linkinfo?.info_kind,
      data: one.linkinfo?.info_data ?? {},
      ...portState(one.linkinfo),
      txErrors: one.stats64?.tx.errors ?? 0,
      txCarrierErrors: one.stats64?.tx.carrier_errors ?? 0,
      collisions: one.stats64?.tx.collisions ?? 0,
      gsoIpv4MaxSize: one.gso_ipv4_max_size,
    };
  });
  // Left out: no command could be given its name, and no terminal should get it.
  const [fit, unfit] = [devices.filter(({ name }) => isPlain(name)), devices.filter(({ name }) => !isPlain(name))];
  return { devices: fit, odd: [...odd, ...unfit.map(({ name }) => JSON.stringify(name))] };
}

/** Whether a name has nothing in it that a terminal takes for something else. */
function isPlain(name: string): boolean {
  return !/[\p{Cc}\p{Cf}\ufffd]/u.test(name);
}

function portState(info: z.infer<typeof device>['linkinfo']): Pick<Device, 'portState'> {
  const state = info?.info_slave_kind === 'bridge' ? info.info_slave_data?.state : undefined;
  return typeof state === 'string' ? { portState: state } : {};
}
