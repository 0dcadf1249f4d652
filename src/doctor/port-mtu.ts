/** The MTU of a port of a bridge. Smaller than the others is wrong, but where the bridge cuts before it. */
import { callsIptables } from './bridge.js';
import { feedsOf, seesPort } from './feed.js';
import { type Finding, checkOf } from './finding.js';
import { fixText, setMtu } from './fix.js';
import { type Device, type Machine, known } from './machine.js';

/** Of ports that are no tunnel by their kind, those that are too small. An l2tpeth has no kind: it looks like hardware. */
export function smallPorts(machine: Machine, isTunnel: (device: Device) => boolean): Finding[] {
  const ports = (known(machine.devices) ?? []).filter((device) => !isTunnel(device));
  return ports.flatMap((device) => portMtu(machine, device, 'perhaps')).filter(({ state }) => state !== 'ok');
}

/**
 * A bridge is as small as its smallest port, and drops what is larger than the port it leaves by.
 * @param takes whether it is known that the device takes a larger MTU
 */
export function portMtu(machine: Machine, device: Device, takes: 'surely' | 'perhaps' = 'surely'): Finding[] {
  const check = checkOf('tunnel', 'mtu');
  const { master, mtu, name } = device;
  if (master === undefined) return [];
  const all = known(machine.devices) ?? [];
  const others = all.filter((port) => port.master === master && port.name !== name);
  const largest = Math.max(0, ...others.map((port) => port.mtu));
  const what = `MTU of ${name}`;
  if (mtu >= largest) return [check.ok(what, `${mtu}, no port of ${master} has more`)];
  const bridge = all.find((one) => one.name === master);
  const evidence = `${mtu}, but other ports of ${master} have ${largest}`;
  const fix = setMtu(device, largest);
  const mend = takes === 'surely' ? { fix } : { hint: `${fixText(fix)}, if what is behind ${name} takes that` };
  const dropped = `${evidence}: larger frames are dropped at ${name}, ${master} itself falls to ${mtu}`;
  // Without br_netfilter nothing cuts, whatever clears DF.
  if (bridge === undefined || !callsIptables(machine, bridge)) return [check.wrong(what, dropped, mend)];
  const { feeds, unread } = feedsOf(machine);
  const feed = feeds.find((each) => each.physdev && seesPort(each, device));
  const [first] = unread;
  if (feed === undefined) {
    return [first === undefined ? check.wrong(what, dropped, mend) : check.unread(what, first)];
  }
  if (bridge.mtu > mtu) {
    const large = `${master} has an MTU of ${bridge.mtu}: it cuts larger frames into pieces of that, which ${name} does not take`;
    return [check.wrong(what, large, { fix: setMtu(bridge, mtu) })];
  }
  return [
    check.ok(
      what,
      `${evidence}: ${feed.backend} ${feed.chain} queues larger IPv4 frames before it, and ${master} cuts them inside`,
    ),
  ];
}
