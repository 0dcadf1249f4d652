/** The MTU of a tunnel as the port of a bridge. Smaller than the others is wrong, but where the bridge cuts before it. */
import { callsIptables } from './bridge.js';
import { feedsOf, seesPort } from './feed.js';
import { type Finding, checkOf } from './finding.js';
import { setMtu } from './fix.js';
import { type Device, type Machine, known } from './machine.js';

/** A bridge is as small as its smallest port, and drops what is larger than the port it leaves by. */
export function portMtu(machine: Machine, device: Device): Finding[] {
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
  const mend = { fix: setMtu(device, largest) };
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
