/** How a gretap or gre device is configured, in the words of `ip -d -j link`. */
import type { Fix, Words } from './fix.js';
import { type Device, known, type Machine } from './machine.js';

/** Bytes: IPv4 20, GRE 4, Ethernet 14 (RFC 791, 2784), and 4 for each of key, sequence number and checksum (RFC 2890). */
const OVERHEAD = 38;
const ETHERNET = 14;
const FIELD = 4;

/** The gretap devices of a machine, without the kernel's own gretap0. */
export function gretapsOf({ devices }: Machine): Device[] {
  return (known(devices) ?? []).filter(({ kind, data }) => kind === 'gretap' && remoteOf(data) !== undefined);
}

function remoteOf(data: Device['data']): string | undefined {
  const remote = data['remote'];
  return typeof remote === 'string' && remote !== 'any' && remote !== '0.0.0.0' ? remote : undefined;
}

/** The outer addresses. */
export function endsOf({ data }: Device): { local: string; remote: string } {
  const local = data['local'];
  return { local: typeof local === 'string' ? local : 'any', remote: remoteOf(data) ?? 'any' };
}

/** Whether the outer header is sent with DF (`pmtudisc`). */
export function setsOuterDf({ data }: Device): boolean {
  return data['pmtudisc'] !== false;
}

/** Whether ip_tunnel refuses a full-size frame with inner DF (tnl_update_pmtu). */
export function refusesLarge({ data }: Device): boolean {
  return data['ignore_df'] !== true;
}

/** Fixed TTL of the outer header; undefined when it is inherited. */
export function fixedTtl({ data }: Device): number | undefined {
  const ttl = data['ttl'];
  return typeof ttl === 'number' && ttl > 0 ? ttl : undefined;
}

/** What takes a fixed TTL away, which nopmtudisc does not go with; nothing where there is none. */
export function withoutTtl(device: Device): readonly 'ttl inherit'[] {
  return fixedTtl(device) === undefined ? [] : ['ttl inherit'];
}

export function hasFlag({ data }: Device, flag: 'iseq' | 'oseq' | 'icsum' | 'ocsum'): boolean {
  return data[flag] === true;
}

/** Bytes that the tunnel adds to an inner IP packet, ESP not counted. */
export function overheadOf(device: Device): number {
  const { data } = device;
  const fields = [data['okey'] !== undefined, hasFlag(device, 'oseq'), hasFlag(device, 'ocsum')];
  return OVERHEAD + FIELD * fields.filter(Boolean).length;
}

/** Bytes that a device adds to a packet that is routed into it; undefined where its MTU says what it carries. */
export function routedOverheadOf(device: Device): number | undefined {
  if (device.kind === 'ipip' || device.kind === 'sit') return 20;
  return device.kind === 'gre' ? overheadOf(device) - ETHERNET : undefined;
}

/** What can be changed about a gretap that stands, each with the words for what it is now. */
const CHANGES = {
  nopmtudisc: (device: Device) => (setsOuterDf(device) ? 'pmtudisc' : 'nopmtudisc'),
  'ignore-df': (device: Device) => (refusesLarge(device) ? 'noignore-df' : 'ignore-df'),
  'ttl inherit': (device: Device) => `ttl ${fixedTtl(device) ?? 'inherit'}`,
  noseq: (device: Device) => (['iseq', 'oseq'] as const).filter((flag) => hasFlag(device, flag)).join(' '),
};

/** `ip link change …`, which leaves what it does not name as it is; a sit takes those of pmtudisc and TTL. */
export function changeGre(device: Device, ...changes: (keyof typeof CHANGES)[]): Fix {
  const { local, remote } = endsOf(device);
  const ends = ['type', device.kind ?? 'gretap', 'local', local, 'remote', remote];
  const change = (words: readonly string[]): Words => [
    ...(['ip', 'link', 'change', device.name] as const),
    ...ends,
    ...words.flatMap((word) => word.split(' ')),
  ];
  const before = changes.map((word) => CHANGES[word](device));
  return { commands: [change(changes)], undo: () => [change(before)] };
}
