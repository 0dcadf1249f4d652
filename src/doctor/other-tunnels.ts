/** Bridged tunnel devices that are no gretap: what becomes of a full-size DF frame, as it was seen on kernels 5.10 to 7.2. */
import { isIpv6 } from '../net/address6.js';
import { quoteWord } from '../net/replay.js';
import { clearedBefore } from './cleared-before.js';
import { type Finding, checkOf } from './finding.js';
import { type Device, type Machine, known } from './machine.js';
import { portMtu, smallPorts } from './port-mtu.js';

interface Kind {
  /** For people. */
  what: string;
  /** Bytes around an inner IP packet, over IPv4 and over IPv6. */
  around: { 4: number; 6: number };
  /** Devices of it are over IPv6 only. */
  six?: true;
}

/** Ethernet 14, UDP 8 and VXLAN or Geneve 8 (RFC 7348 §5, RFC 8926 §3.4); Ethernet 14, GRE 4 (RFC 2784); IP 20 or 40. */
const KINDS: Record<string, Kind> = {
  vxlan: { what: 'a VXLAN', around: { 4: 50, 6: 70 } },
  geneve: { what: 'a Geneve device', around: { 4: 50, 6: 70 } },
  ip6gretap: { what: 'an ip6gretap', around: { 4: 58, 6: 58 }, six: true },
};

/** Looked at by tunnel.ts and erspan.ts. */
const GRE = ['gretap', 'erspan'];

export function examineOtherTunnels(machine: Machine): Finding[] {
  const found = (known(machine.devices) ?? []).flatMap((device) => {
    const kind = KINDS[device.kind ?? ''];
    if (kind === undefined || device.master === undefined) return [];
    return [...portMtu(machine, device), fullSize(machine, device, kind)];
  });
  return [...found, ...smallPorts(machine, ({ kind = '' }) => GRE.includes(kind) || KINDS[kind] !== undefined)];
}

function fullSize(machine: Machine, device: Device, { what: kind, around, six }: Kind): Finding {
  const check = checkOf('tunnel', 'full-size');
  const { name, mtu, data } = device;
  const what = `full-size DF frames into ${name}`;
  const version = six === true || isOverIpv6(device) ? 6 : 4;
  const outer = mtu + around[version];
  const links = underlays(machine, device);
  if (links.length === 0) {
    return check.unknown(what, `${outer} bytes outside, and no device is up that they could leave by`);
  }
  if (links.every((link) => link.mtu >= outer)) {
    return check.ok(what, `${outer} bytes outside fit every device that they could leave by`);
  }
  const inner = `clear-df --queue 0 --install-rules --hook bridge --out-dev ${quoteWord(name)}`;
  if (version === 6) {
    return check.wrong(what, `${kind} over IPv6 refuses what does not fit one packet, whether DF is set or not`, {
      hint: `L2TPv3 carries them over IPv6 (a site file with tunnel: { type: l2tp }); or leave its MTU small and cut before it: ${inner} --gso off`,
    });
  }
  if (data['df'] === 'set') {
    return check.wrong(what, `df set: ${kind} sets DF on every outer packet, and what is too large is refused`, {
      hint: `make it anew without df set, and clear DF before it: ${inner}`,
    });
  }
  const cleared = clearedBefore(check, what, machine, device);
  if (cleared !== undefined) return cleared;
  const evidence =
    `${outer} bytes outside do not fit: ${kind} drops them and answers the host with ICMP (frag-needed); hosts that ` +
    'listen send smaller packets, others lose all; df unset, the default, does not help';
  return check.wrong(what, evidence, { hint: `clear-df fast-path attach ${quoteWord(name)}, or ${inner}` });
}

function isOverIpv6({ data }: Device): boolean {
  const ends = ['local6', 'remote6', 'group6'].some((key) => data[key] !== undefined);
  return ends || ['local', 'remote', 'group'].some((key) => typeof data[key] === 'string' && isIpv6(data[key]));
}

/**
 * Devices that outer packets could leave by: which of them does is not said by the device. Another bridge may be one, with
 * the uplink as its port; a port of a bridge has no address, and cannot.
 */
function underlays({ devices }: Machine, { master: own }: Device): Device[] {
  const all = known(devices) ?? [];
  const bridges = new Set(all.flatMap(({ name, kind }) => (kind === 'bridge' ? [name] : [])));
  return all.filter(
    ({ name, up, kind, master }) =>
      up && name !== 'lo' && name !== own && !bridges.has(master ?? '') && KINDS[kind ?? ''] === undefined,
  );
}
