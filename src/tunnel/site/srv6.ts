/** What a site file says of carrier `srv6`. */
import * as z from 'zod';
import { IPV6_HOST_FORM, readIpv6Host } from '../../net/address6.js';
import { DEVICE_NAME_MAX } from '../../net/device.js';
import type { Srv6Carrier } from './site.js';
import { leaf, type LeafRefusal, newDevice, Refused, whole, word } from './values.js';

/** Bytes that iproute2 keeps a list of segments in, with the zero at its end (`parse_encap_seg6`). */
const SEGMENTS_TEXT = 1024;
/** The length of a segment routing header, in units of 8 bytes, has 8 bits (RFC 8754 §2); a segment takes two. */
const SEGMENTS_MAX = 127;

/** Tables of the second hop are far from those that people number. */
const HOP_TABLE = 1_000_000;
/** 253 to 255 are the kernel's own; behind is room for {@link HOP_TABLE}. */
const OWN_TABLES = { first: 253, last: 255 };
const TABLE_MAX = 0x7fff_ffff - HOP_TABLE;

const address = leaf(IPV6_HOST_FORM, (text) => {
  const read = readIpv6Host(text);
  return typeof read === 'string' ? read : new Refused({ because: read.hint });
});

const number = whole(1, TABLE_MAX, 'a routing table');
const TABLE_FORM = `a routing table, 1-${TABLE_MAX}`;

/** A table that a VRF may have to itself. */
const table = z
  .unknown()
  .transform((given, context): number => {
    const read = number.safeParse(given);
    if (read.success && (read.data < OWN_TABLES.first || read.data > OWN_TABLES.last)) return read.data;
    const because = read.success ? 'it is one of default, main and local, which are not a tenant’s' : undefined;
    const params = { accepted: TABLE_FORM, because } satisfies LeafRefusal;
    context.addIssue({ code: 'custom', params });
    return z.NEVER;
  })
  .meta({ accepted: TABLE_FORM });

const shape = z.strictObject({
  vrf: newDevice.describe("the tenant's"),
  table: table.describe("the tenant's"),
  sid: address.describe("this end's segment, End.DT4"),
  segments: z.array(address).min(1).describe("the path to the other end; that end's sid last"),
  source: address.describe('of the outer packets'),
  encap: word(['encap', 'encap.red']).default('encap').describe('H.Encaps, or reduced'),
  cut: word(['auto', 'whole', 'second-hop'])
    .default('auto')
    .describe('whole: the core carries a full packet; second-hop: it is cut before it is put into IPv6'),
  'hop-vrf': newDevice.optional().describe('the VRF in which it is cut'),
  'hop-table': table.optional().describe('of that VRF'),
});

export const srv6Schema = shape
  .transform(({ 'hop-vrf': hopVrf, 'hop-table': hopTable, ...parts }, context): Srv6Carrier => {
    const hint = 'leave out what the core finds without it';
    const refuse = (path: string, because: string) => {
      const params = { accepted: 'fewer segments', because, hint } satisfies LeafRefusal;
      context.addIssue({ code: 'custom', path: [path], params });
      return z.NEVER;
    };
    const { segments } = parts;
    if (segments.length > SEGMENTS_MAX) {
      return refuse('segments', `a segment routing header has room for ${SEGMENTS_MAX} (RFC 8754 §2)`);
    }
    if (segments.join().length >= SEGMENTS_TEXT) {
      return refuse('segments', `ip route takes no more than ${SEGMENTS_TEXT - 1} characters of them`);
    }
    return {
      type: 'srv6',
      ...parts,
      hop: {
        vrf: hopVrf ?? `hop-${parts.table}`.slice(0, DEVICE_NAME_MAX),
        table: hopTable ?? HOP_TABLE + parts.table,
      },
    };
  })
  .describe('GRE in IPv6 with segments, from the VRF of a tenant');
