/** The tunnel's device as a port of a bridge that was there before: spanning tree, and VLANs. */
import { quoteWord } from '../net/replay.js';
import type { Site } from '../tunnel/site/site.js';
import { type Finding, checkOf } from './finding.js';
import { addVlan } from './fix.js';
import { type Device, type Machine, known } from './machine.js';

export function examinePort(machine: Machine, site: Site): Finding[] {
  const devices = known(machine.devices) ?? [];
  const bridge = devices.find(({ name }) => name === site.bridge.name);
  const port = devices.find(({ name, master }) => name === site.tunnel.name && master === site.bridge.name);
  if (bridge === undefined || port === undefined) return [];
  return [spanningTree(bridge, port), vlans(machine, bridge, port, site)];
}

/** `info_slave_data.state`; a port forwards after listening and learning, twice the forward delay. */
function spanningTree({ name, data }: Device, port: Device): Finding {
  const check = checkOf('site', 'stp');
  const what = `spanning tree on ${name}`;
  if (Number(data['stp_state'] ?? 0) === 0) return check.ok(what, 'off: ports forward at once');
  const { portState = 'not known' } = port;
  if (portState === 'forwarding') return check.ok(what, `on; ${port.name} forwards`);
  if (portState === 'listening' || portState === 'learning') {
    return check.unknown(what, `on; ${port.name} is ${portState}: it forwards ${delayText(data)} after it came up`);
  }
  const hint = `bridge -d link show dev ${quoteWord(port.name)}; spanning tree is needed where a second path joins the sites`;
  if (portState === 'not known') return check.unknown(what, `on; the state of ${port.name} is not known`, { hint });
  return check.wrong(what, `on; ${port.name} is ${portState}: no frame passes`, { hint });
}

/** Centiseconds, as the kernel keeps it. */
function delayText(data: Device['data']): string {
  const delay = Number(data['forward_delay'] ?? 1500);
  return `${(2 * delay) / 100} s`;
}

function vlans(machine: Machine, { name, data }: Device, port: Device, { bridge }: Site): Finding {
  const check = checkOf('site', 'vlans');
  const what = `VLANs of ${port.name}`;
  if (Number(data['vlan_filtering'] ?? 0) !== 1) return check.ok(what, `${name} does not filter VLANs: all pass`);
  const { vlans: reading = { unknown: 'bridge vlan show was not run' } } = machine;
  if ('unknown' in reading) return check.unread(what, reading);
  const odd = [port.name, ...bridge.ports].find(
    (one) => reading.known.has(one) && reading.known.get(one) === undefined,
  );
  if (odd !== undefined) return check.unknown(what, `bridge vlan show says of ${odd} what is not understood here`);
  const own = new Set(reading.known.get(port.name));
  const missing = [...new Set(bridge.ports.flatMap((other) => reading.known.get(other) ?? []))].filter(
    (vlan) => !own.has(vlan),
  );
  const carried = own.size === 0 ? 'none' : [...own].join(', ');
  if (missing.length === 0)
    return check.ok(what, `${name} filters them; it carries ${carried}, as the hosts' ports do`);
  const [first = 0] = missing;
  return check.wrong(
    what,
    `${name} filters them: the hosts' ports carry ${missing.join(', ')}, which it does not (${carried})`,
    {
      fix: addVlan(port.name, first),
      hint:
        missing.length === 1
          ? 'pvid untagged behind it, where the hosts send it without a tag'
          : 'and each of the others',
    },
  );
}
