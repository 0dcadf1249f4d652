/** IPv6 packets of a capture, with what segments are around and the IPv4 packet that they carry; read by tshark. */
import { execa } from 'execa';
import type { Captured } from './capture.js';

export interface Captured6 {
  /** The whole IPv6 packet. */
  length: number;
  /** Of the IPv6 header: 43 is a routing header, 4 is IPv4. */
  nextHeader: number;
  source: string;
  destination: string;
  /** Segments in the routing header; undefined without one. */
  segments: number | undefined;
  segmentsLeft: number | undefined;
  /** The IPv4 packet inside; undefined where there is none. */
  inner:
    | { length: number; offset: number; moreFragments: boolean; dontFragment: boolean; protocol: number; id: number }
    | undefined;
}

const FIELDS = [
  ...['ipv6.plen', 'ipv6.nxt', 'ipv6.src', 'ipv6.dst', 'ipv6.routing.srh.last_entry', 'ipv6.routing.segleft'],
  ...['ip.len', 'ip.frag_offset', 'ip.flags.mf', 'ip.flags.df', 'ip.proto', 'ip.id'],
];
const HEADER = 40;

/** Every IPv6 packet that is no ICMPv6 of the core itself (neighbours, routers, listeners). */
export async function readHeaders6(file: string): Promise<Captured6[]> {
  const { stdout } = await execa('tshark', [
    ...['-n', '-r', file, '-o', 'ip.defragment:FALSE', '-Y', 'ipv6 && !(ipv6.nxt == 58) && !(ipv6.nxt == 0)'],
    ...['-T', 'fields', '-E', 'occurrence=f'],
    ...FIELDS.flatMap((field) => ['-e', field]),
  ]);
  const truth = (word: string | undefined) => word === '1' || word === 'True';
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [plen, next, source = '', destination = '', last, left, ...inside] = line.split('\t');
      const [length, offset, mf, df, protocol, id] = inside;
      return {
        length: Number(plen) + HEADER,
        nextHeader: Number(next),
        source,
        destination,
        segments: last ? Number(last) + 1 : undefined,
        segmentsLeft: left ? Number(left) : undefined,
        inner: length
          ? {
              length: Number(length),
              // tshark shows the field as it is in the header: units of 8 bytes.
              offset: Number(offset) * 8,
              moreFragments: truth(mf),
              dontFragment: truth(df),
              protocol: Number(protocol),
              id: Number(id),
            }
          : undefined,
      };
    });
}

/** Packets and fragments themselves (RFC 8200 §4.5), each with the protocol that is in them. */
export async function fragments6(file: string): Promise<Captured[]> {
  const fields = ['ipv6.plen', 'ipv6.nxt', 'ipv6.src', 'ipv6.dst'];
  const cut = ['ipv6.fraghdr.nxt', 'ipv6.fraghdr.offset', 'ipv6.fraghdr.more', 'ipv6.fraghdr.ident'];
  const { stdout } = await execa('tshark', [
    ...['-n', '-r', file, '-o', 'ipv6.defragment:FALSE', '-Y', 'ipv6 && !(ipv6.nxt == 58) && !(ipv6.nxt == 0)'],
    ...['-T', 'fields', '-E', 'occurrence=f', ...[...fields, ...cut].flatMap((field) => ['-e', field])],
  ]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [plen, next, source = '', destination = '', inside, offset, more, ident] = line.split('\t');
      return {
        ...{ length: Number(plen) + HEADER, protocol: Number(inside || next), source, destination },
        ...{ offset: Number(offset || '0'), moreFragments: more === '1' || more === 'True' },
        ...{ identification: Number(ident || '0'), dontFragment: false, headerChecksumGood: true },
      };
    });
}

/** The IPv4 packets inside, each with the next header of the IPv6 packet for its protocol. */
export async function innerHeaders(file: string): Promise<Captured[]> {
  return (await readHeaders6(file)).flatMap(({ inner, nextHeader, source, destination }) => {
    if (inner === undefined) return [];
    const { id: identification, ...parts } = inner;
    return [{ ...parts, identification, protocol: nextHeader, source, destination, headerChecksumGood: true }];
  });
}
