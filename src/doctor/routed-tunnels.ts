/**
 * Tunnel devices that IPv4 is routed into. ip_forward() looks at the device's MTU first, then the tunnel at what fits
 * outside: either refuses a larger packet with DF and answers its sender with ICMP (frag needed). So nothing is wrong
 * with a small MTU, but for senders that do not hear of it.
 */
import { quoteWord } from '../net/replay.js';
import { type Feed, feedsOf } from './feed.js';
import { type Finding, checkOf } from './finding.js';
import { setMtu } from './fix.js';
import { changeGre, endsOf, refusesLarge, routedOverheadOf, withoutTtl } from './gre-device.js';
import { type Device, type Machine, known, pathTo } from './machine.js';
import { isRouted, largerThan } from './routed-devices.js';
import { ipv6FullSize } from './sit.js';

export function examineRoutedTunnels(machine: Machine): Finding[] {
  const devices = (known(machine.devices) ?? []).filter((device) => isRouted(device) && device.up);
  return devices.map((device) => (device.kind === 'sit' ? ipv6FullSize(machine, device) : fullSize(machine, device)));
}

function fullSize(machine: Machine, device: Device): Finding {
  const check = checkOf('tunnel', 'routed');
  const { name, mtu } = device;
  const what = `full-size DF packets into ${name}`;
  const carried = carriedBy(machine, device);
  const larger = largerThan(machine, carried);
  const largest = Math.max(...larger.map((other) => other.mtu));
  if (larger.length === 0) return check.ok(what, `it carries ${carried} bytes, and no device has a larger MTU`);
  if (machine.sysctls.get('net/ipv4/ip_forward') !== '1') {
    return check.ok(what, `it carries ${carried} bytes, and nothing is forwarded here (net.ipv4.ip_forward)`);
  }
  const { feeds, unread } = feedsOf(machine);
  const place = clearedBefore(machine, feeds);
  if (place !== undefined) return check.ok(what, `${place} clears DF before they are routed`);
  if (unread[0] !== undefined) return check.unread(what, unread[0]);
  if (device.kind === 'gre' && !refusesLarge(device)) {
    const evidence = `ignore-df, but an MTU of ${mtu}: larger ones are refused before they come to the tunnel`;
    return check.wrong(what, evidence, { fix: setMtu(device, largest) });
  }
  if (mtu > carried) {
    const evidence = `its MTU is ${mtu}, but ${carried} bytes fit the path: larger ones are refused all the same, and their senders told of ${carried}`;
    if (device.kind !== 'gre') return check.wrong(what, evidence, { fix: setMtu(device, carried) });
    return check.wrong(what, evidence, { fix: changeGre(device, ...withoutTtl(device), 'nopmtudisc', 'ignore-df') });
  }
  return check.ok(
    what,
    `more than ${carried} bytes are refused, and their senders told (ICMP frag needed); where hosts do not hear that: ${remedy(machine, larger, device)}`,
  );
}

/** Bytes of the largest IPv4 packet with DF that leaves by it. */
function carriedBy(machine: Machine, device: Device): number {
  const around = routedOverheadOf(device);
  const path = known(pathTo(machine, endsOf(device).remote));
  if (around === undefined || path === undefined) return device.mtu;
  // Cut outside: the kernel takes ignore-df with nopmtudisc alone.
  if (!refusesLarge(device)) return device.mtu;
  return Math.min(device.mtu, path.mtu - around);
}

/** Who clears DF of what comes in, before it is known where to it goes. */
function clearedBefore(machine: Machine, feeds: readonly Feed[]): string | undefined {
  const programs = machine.fastPaths === undefined ? [] : (known(machine.fastPaths) ?? []);
  const program = programs.find(({ direction }) => direction === 'ingress');
  if (program !== undefined) return `a program at the ingress of ${program.device} (clear-df:${program.name})`;
  const feed = feeds.find(
    ({ hook, ipv4, physdev, sight, owner }) =>
      hook === 'prerouting' && ipv4 && !physdev && sight === 'other' && owner !== undefined,
  );
  return feed && `a queue that ${feed.backend} ${feed.chain} feeds`;
}

function remedy(machine: Machine, larger: readonly Device[], device: Device): string {
  const path = known(pathTo(machine, endsOf(device).remote));
  const [only, ...others] = larger.filter(({ name }) => path?.dev !== name);
  const from = only !== undefined && others.length === 0 ? quoteWord(only.name) : 'DEV';
  return `clear-df --queue 0 --install-rules --forwarded --in-dev ${from} --larger-than mtu --out-dev ${quoteWord(device.name)}`;
}
