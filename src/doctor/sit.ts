/**
 * IPv6 in IPv4 (`sit`). No router cuts IPv6, so each of its packets is like one with DF: ip6_forward() refuses what exceeds
 * the device's MTU, then ipip6_tunnel_xmit() what does not fit outside, as long as pmtudisc, the default, sets DF there.
 * With nopmtudisc the kernel cuts the outer packet, and a larger MTU carries all.
 */
import { type Finding, checkOf } from './finding.js';
import { type Fix, fixText, setMtu } from './fix.js';
import { changeGre, setsOuterDf, endsOf, routedOverheadOf, withoutTtl } from './gre-device.js';
import { type Device, type Machine, known, pathTo } from './machine.js';
import { largerThan } from './routed-devices.js';

/** Bytes (RFC 8200 §5): the tunnel never refuses as small a packet. */
const IPV6_MTU_MIN = 1280;

export function ipv6FullSize(machine: Machine, device: Device): Finding {
  const check = checkOf('tunnel', 'routed');
  const { name, mtu } = device;
  const what = `full-size IPv6 packets into ${name}`;
  if (endsOf(device).remote === 'any') {
    return check.unknown(what, 'it has no far end of its own (6to4, 6rd), so what fits outside is not known');
  }
  const carried = carriedBy(machine, device);
  const larger = largerThan(machine, carried);
  if (larger.length === 0) return check.ok(what, `it carries ${carried} bytes, and no device has a larger MTU`);
  if (machine.sysctls.get('net/ipv6/conf/all/forwarding') !== '1') {
    return check.ok(what, `it carries ${carried} bytes, and nothing is forwarded here (net.ipv6.conf.all.forwarding)`);
  }
  if (mtu > carried) {
    return check.wrong(
      what,
      `its MTU is ${mtu}, but ${carried} bytes fit the path, and pmtudisc, the default, lets nothing be cut: larger ones ` +
        `are refused, and their senders told of ${carried} (ICMPv6 packet too big)`,
      { fix: cutOutside(device) },
    );
  }
  const raise = setMtu(device, Math.max(...larger.map((other) => other.mtu)));
  const mend = [...(setsOuterDf(device) ? [cutOutside(device)] : []), raise];
  return check.ok(
    what,
    `more than ${carried} bytes are refused, and their senders told (ICMPv6 packet too big); where hosts do not hear that: ${mend.map(fixText).join(' && ')}`,
  );
}

/** Bytes of the largest packet that leaves by it. */
function carriedBy(machine: Machine, device: Device): number {
  const path = known(pathTo(machine, endsOf(device).remote));
  if (path === undefined || !setsOuterDf(device)) return device.mtu;
  return Math.min(device.mtu, Math.max(IPV6_MTU_MIN, path.mtu - (routedOverheadOf(device) ?? 0)));
}

/**
 * Nothing sets DF outside any more. What this router has learnt from its own refusals (`ip -6 route show cache`) would
 * outlive them by ten minutes.
 */
export function cutOutside(device: Device): Fix {
  const { commands, undo } = changeGre(device, ...withoutTtl(device), 'nopmtudisc');
  return { commands: [...commands, ['ip', '-6', 'route', 'flush', 'cache']], undo };
}
