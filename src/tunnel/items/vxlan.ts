/** A VXLAN device, and the sites that it sends to. */
import { linkOf } from '../facts.js';
import type { Item } from '../item.js';
import { device } from './link.js';

interface VxlanOptions {
  local: string;
  vni: number;
  /** UDP, of all ends. */
  port: number;
  reason: string;
}

/**
 * Not bound to the underlay by `dev`: its MTU would be limited to what the underlay carries in one packet (EINVAL), and
 * the routing table stays in charge.
 */
export function vxlanItem(name: string, { local, vni, port, reason }: VxlanOptions): Item {
  const hint = `choose another tunnel.name; or, if it is not in use: ip link delete dev ${name}`;
  return {
    ...{ kind: 'vxlan', key: `vxlan ${name}`, reason },
    desired: `${name} is a VXLAN with identifier ${vni} from ${local}, UDP ${port}`,
    ...device(name, {
      ...{ type: 'vxlan', words: ['id', String(vni), 'local', local, 'dstport', String(port)], hint },
      judge({ data }) {
        const same = Number(data['id']) === vni && data['local'] === local && Number(data['port']) === port;
        if (same && data['df'] !== 'set') return { state: 'in-sync' };
        const from = typeof data['local'] === 'string' ? data['local'] : 'any';
        const observed = same
          ? `${name} sets DF on outer packets (df set), which keeps them from being cut`
          : `${name} has identifier ${String(data['id'])}, from ${from}, UDP ${String(data['port'])}`;
        return { state: 'conflict', observed, hint };
      },
    }),
    // `vxlan_changelink` takes neither another identifier nor another port, nor the same port named again.
    change(facts) {
      const { data = {} } = linkOf(facts, name) ?? {};
      const same = Number(data['id']) === vni && Number(data['port']) === port && data['df'] !== 'set';
      if (!same) return undefined;
      return [{ argv: ['ip', 'link', 'change', 'dev', name, 'type', 'vxlan', 'id', String(vni), 'local', local] }];
    },
  };
}

/** The address that stands for every frame that no site is known for. */
const ALL = '00:00:00:00:00:00';

export function fdbItem(name: string, remote: string, reason: string): Item {
  const words = [ALL, 'dev', name, 'dst', remote];
  return {
    kind: 'vxlan-site',
    key: `vxlan-site ${name} ${remote}`,
    desired: `${name} sends to ${remote}`,
    reason,
    status: ({ fdb }) =>
      fdb?.includes(remote) === true ? { state: 'in-sync' } : { state: 'differs', observed: 'it does not' },
    apply: () => [{ argv: ['bridge', 'fdb', 'append', ...words] }],
    // Goes with the device where that goes too.
    undo: ({ fdb }) =>
      fdb?.includes(remote) === true ? [] : [{ argv: ['bridge', 'fdb', 'delete', ...words], mayFail: true }],
  };
}
