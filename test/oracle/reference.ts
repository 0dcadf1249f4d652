/**
 * The packet rules a second time, for captures: written from the table of the rules and from RFC 791, 4302 and 6864,
 * not from csrc/. Slow and plain on purpose.
 */

export type Policy = 'random' | 'keep' | 'sequential';

/** The counters that sort packets, `notIp` for those that the rules are never asked about. */
export type Sort =
  | 'cleared'
  | 'alreadyClear'
  | 'ahPassed'
  | 'notIpv4'
  | 'malformed'
  | 'truncated'
  | 'badChecksum'
  | 'notIp';

export interface Verdict {
  sort: Sort;
  fragment: boolean;
  /** Whether a new identification is given out. */
  identified: boolean;
}

const AH = 51;

/**
 * @param packet what was captured, from the network header on
 * @param original how long that was on the wire
 */
export function judge(packet: Buffer, original: number, policy: Policy): Verdict {
  const pass = (sort: Sort): Verdict => ({ sort, fragment: false, identified: false });
  if (packet.length === 0) return pass(original < 20 ? 'malformed' : 'truncated');
  const version = packet.readUInt8(0) >>> 4;
  if (version === 6) return pass('notIpv4');
  if (version !== 4) return pass('malformed');
  const words = packet.readUInt8(0) % 16;
  if (words < 5 || original < words * 4) return pass('malformed');
  if (packet.length < original) return pass('truncated');
  const total = packet.readUInt16BE(2);
  if (total < words * 4 || total > packet.length) return pass('malformed');
  if (!sumsUp(packet.subarray(0, words * 4))) return pass('badChecksum');

  const flags = packet.readUInt16BE(6).toString(2).padStart(16, '0');
  const [dontFragment, moreFragments, offset] = [flags[1] === '1', flags[2] === '1', parseInt(flags.slice(3), 2)];
  if (!dontFragment) return pass('alreadyClear');
  if (moreFragments || offset > 0) return { sort: 'cleared', fragment: true, identified: false };
  const identification = packet.readUInt16BE(4);
  if (packet.readUInt8(9) === AH) {
    return identification === 0 ? pass('ahPassed') : { sort: 'cleared', fragment: false, identified: false };
  }
  const kept = policy === 'keep' && identification !== 0;
  return { sort: 'cleared', fragment: false, identified: !kept };
}

/** What must have come of a packet that was cleared; the identification, when one is given out, is any but 0. */
export function clear(packet: Buffer, verdict: Verdict, identification: number): Buffer {
  const wanted = Buffer.from(packet);
  const header = wanted.subarray(0, (packet.readUInt8(0) % 16) * 4);
  header.writeUInt8(header.readUInt8(6) & 0b1011_1111, 6);
  if (verdict.identified) header.writeUInt16BE(identification, 4);
  header.writeUInt16BE(0, 10);
  header.writeUInt16BE(0xffff - sum(header), 10);
  return wanted;
}

/** RFC 1071: the ones' complement sum of a sound header is all ones. */
function sumsUp(header: Buffer): boolean {
  return sum(header) === 0xffff;
}

/** The ones' complement sum of 16-bit words: their sum modulo 0xffff, where only nothing at all sums up to 0. */
function sum(header: Buffer): number {
  let total = 0;
  for (let at = 0; at < header.length; at += 2) total += header.readUInt16BE(at);
  return total === 0 ? 0 : ((total - 1) % 0xffff) + 1;
}
