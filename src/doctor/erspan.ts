/**
 * ERSPAN devices (GRE with the header of a mirrored port), as ports of a bridge and as what frames are mirrored to. They do
 * what a gretap does with a full-size DF frame, but for two things. What is mirrored to one and larger than its MTU is
 * truncated (erspan_xmit()); a bridge drops that before. And behind `ip link change` the kernel leaves that header out when
 * it compares a frame with the MTU (ip_tunnel_encap_setup() sets hlen anew): with DF the last 8 (type II) or 12 bytes
 * (type III) below it are refused, although ignore-df is shown. Type I has no such header.
 */
import { quoteWord } from '../net/replay.js';
import { clearedBefore } from './cleared-before.js';
import { type Finding, checkOf } from './finding.js';
import { changeGre, setsOuterDf, endsOf, refusesLarge, withoutTtl } from './gre-device.js';
import { type Device, type Machine, known, pathTo } from './machine.js';
import { portMtu } from './port-mtu.js';

/**
 * Bytes around an inner IP packet, by the version of the header: Ethernet 14, IPv4 20, GRE 4, and from type II on a sequence
 * number of 4 and a header of 8 (type II) or 12 (type III). The key is a part of that header.
 */
const AROUND: Readonly<Record<number, number>> = { 0: 38, 1: 50, 2: 54 };

const TYPE_1 = 0;

const ANEW = 'make it anew with nopmtudisc ignore-df; ip link change does not do';

export function examineErspan(machine: Machine): Finding[] {
  const devices = (known(machine.devices) ?? []).filter(
    (device) => device.kind === 'erspan' && (device.up || device.master !== undefined),
  );
  // One without a far end of its own is told it with each packet.
  const tunnels = devices.filter((device) => endsOf(device).remote !== 'any');
  return tunnels.flatMap((device) => [...portMtu(machine, device), fullSize(machine, device)]);
}

function fullSize(machine: Machine, device: Device): Finding {
  const check = checkOf('tunnel', 'full-size');
  const { name, mtu, txErrors, master } = device;
  const what = `full-size DF frames into ${name}`;
  const errors = `TX errors of ${name}: ${txErrors}`;
  const type = Number(device.data['erspan_ver']);
  const around = AROUND[type];
  const { remote } = endsOf(device);
  const path = pathTo(machine, remote);
  const outer = around === undefined ? undefined : mtu + around;
  if (outer !== undefined && 'known' in path && outer <= path.known.mtu) {
    const fits = `${outer} bytes outside fit the path's MTU of ${path.known.mtu}`;
    const cut = `what is mirrored to it arrives truncated to ${mtu} bytes, unless it was made with nopmtudisc ignore-df and a larger MTU`;
    return check.ok(what, master === undefined ? `${fits}; ${cut}` : fits);
  }
  if (!refusesLarge(device)) {
    if (txErrors === 0 || type === TYPE_1) return check.ok(what, 'ignore-df: they are fragmented outside');
    const evidence = `ignore-df, but ${errors}: one that ip link change was used on refuses them all the same`;
    return check.unknown(what, evidence, { hint: `where these grow: ${ANEW}` });
  }
  if (outer === undefined) return check.unknown(what, 'this iproute2 does not print erspan_ver');
  if ('unknown' in path) return check.unread(what, path);
  const exceed = `${outer} bytes outside exceed the path's MTU of ${path.known.mtu}`;
  const anew =
    type === TYPE_1 ? { fix: changeGre(device, ...withoutTtl(device), 'nopmtudisc', 'ignore-df') } : { hint: ANEW };
  if (setsOuterDf(device)) {
    const evidence = `${exceed}, and pmtudisc, the default, sets DF outside: they are dropped silently (${errors})`;
    return check.wrong(what, evidence, anew);
  }
  const cleared = clearedBefore(check, what, machine, device);
  if (cleared !== undefined) return cleared;
  const attach = `clear-df fast-path attach ${quoteWord(name)}`;
  const evidence = `${exceed}, no ignore-df, and nothing clears DF before: they are dropped silently (${errors})`;
  const queue = `, or clear-df --queue 0 --install-rules --hook bridge --out-dev ${quoteWord(name)}`;
  const before = `${attach}${master === undefined ? '' : queue}`;
  return check.wrong(
    what,
    evidence,
    type === TYPE_1 ? { ...anew, hint: `or ${before}` } : { hint: `${before}; or ${ANEW}` },
  );
}
