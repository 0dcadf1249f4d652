/**
 * What iptables-legacy's TRACE logs through nfnetlink_log, as libpcap hands it on: link type NFLOG, each packet the
 * attributes of the kernel's message (NFULA_*, nfnetlink_log.h; link-layer header type 239 of tcpdump.org).
 *
 *     byte 0 family (2: IPv4), byte 1 version 0, bytes 2-3 resource id;
 *     then attributes: length (2 bytes, host order, without padding), type (2), value, padded to 4
 */
import { protocolName } from '../net/protocol.js';
import { type Header, icmpDetail } from './header.js';

const AF_INET = 2;
const HEADER = 4;
const ATTRIBUTE = 4;
const NFULA = { packetHeader: 1, in: 4, out: 5, physicalIn: 6, physicalOut: 7, payload: 9, prefix: 10 } as const;

/** One line of the trace: `TRACE: raw:PREROUTING:policy:2`. */
export interface LegacyEvent {
  table: string;
  chain: string;
  what: 'rule' | 'return' | 'policy';
  /** Counted from 1. */
  number: number;
  /** NF_INET_*: 0 PREROUTING … 4 POSTROUTING. */
  hook: number;
  head: Header;
  /** Numbers of devices; undefined where there is none. */
  devices: { in?: number; out?: number; physicalIn?: number; physicalOut?: number };
}

/** Undefined when it is no TRACE of an IPv4 packet: someone else's NFLOG rules log there, too. */
export function parseNflog(packet: Buffer): LegacyEvent | undefined {
  if (packet.length < HEADER || packet[0] !== AF_INET) return undefined;
  const attributes = readAttributes(packet);
  const prefix = attributes.get(NFULA.prefix)?.toString('latin1').replace(/\0.*$/s, '') ?? '';
  const match = /^TRACE: (\S+):(\S+):(rule|return|policy):(\d+)/.exec(prefix);
  const [payload, header] = [attributes.get(NFULA.payload), attributes.get(NFULA.packetHeader)];
  const head = payload === undefined ? undefined : readIpv4(payload);
  if (match === null || head === undefined || header === undefined || header.length < 3) return undefined;
  const device = (type: number) => {
    const value = attributes.get(type);
    return value !== undefined && value.length >= 4 ? value.readUInt32BE() : undefined;
  };
  const devices: LegacyEvent['devices'] = {};
  for (const name of ['in', 'out', 'physicalIn', 'physicalOut'] as const) {
    const number = device(NFULA[name]);
    if (number !== undefined) devices[name] = number;
  }
  const [, table = '', chain = '', what, number] = match;
  return {
    ...{ table, chain, what: what as LegacyEvent['what'], number: Number(number) },
    ...{ hook: header.readUInt8(2), head, devices },
  };
}

/** The kernel's host order is that of the machine that reads: x86 and arm are little-endian, as pcap's magic number shows. */
function readAttributes(packet: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER; at + ATTRIBUTE <= packet.length;) {
    const [length, type] = [packet.readUInt16LE(at), packet.readUInt16LE(at + 2)];
    if (length < ATTRIBUTE || at + length > packet.length) break;
    attributes.set(type, packet.subarray(at + ATTRIBUTE, at + length));
    at += (length + 3) & ~3;
  }
  return attributes;
}

/** An IPv4 packet's head; undefined when it is cut too short to tell. */
export function readIpv4(packet: Buffer): Header | undefined {
  const start = packet.length < 20 ? 0 : (packet.readUInt8(0) & 0x0f) * 4;
  if (start < 20 || packet.readUInt8(0) >> 4 !== 4 || packet.length < start) return undefined;
  const number = packet.readUInt8(9);
  const protocol = protocolName(number) ?? String(number);
  const fragment = packet.readUInt16BE(6);
  const [source, destination] = [addressAt(packet, 12), addressAt(packet, 16)];
  const rest = (fragment & 0x1fff) === 0 ? packet.subarray(start) : Buffer.alloc(0);
  return {
    ...{ source, destination, protocol, length: packet.readUInt16BE(2), identification: packet.readUInt16BE(4) },
    ...{ detail: detailOf(protocol, rest), dontFragment: (fragment & 0x4000) !== 0 },
    inner: protocol === 'gre' ? innerOf(rest) : undefined,
  };
}

function detailOf(protocol: string, rest: Buffer): string {
  if (rest.length < 8) return '';
  switch (protocol) {
    case 'icmp':
      return icmpDetail(String(rest.readUInt8(0)), rest.readUInt16BE(4), rest.readUInt16BE(6));
    case 'tcp':
    case 'udp':
      return `${rest.readUInt16BE(0)} > ${rest.readUInt16BE(2)}`;
    case 'esp':
      return `spi 0x${rest.readUInt32BE(0).toString(16)} seq ${rest.readUInt32BE(4)}`;
    default:
      return '';
  }
}

const GRE_KEY_FLAG = 0x2000;
const BRIDGED = 0x6558;
const IPV4 = 0x0800;

/** The addresses of an IPv4 packet in an Ethernet frame in GRE. */
function innerOf(gre: Buffer): Header['inner'] {
  if (gre.length < 8 || gre.readUInt16BE(2) !== BRIDGED) return undefined;
  const frame = gre.subarray(4 + ((gre.readUInt16BE(0) & GRE_KEY_FLAG) === 0 ? 0 : 4));
  if (frame.length < 14 + 20 || frame.readUInt16BE(12) !== IPV4) return undefined;
  return { source: addressAt(frame, 14 + 12), destination: addressAt(frame, 14 + 16) };
}

function addressAt(packet: Buffer, at: number): string {
  return [...packet.subarray(at, at + 4)].join('.');
}
