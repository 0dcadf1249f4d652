/** A little-endian or big-endian pcap stream of link type NFLOG, in whatever chunks it arrives, to packets. */

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MAGICS: Record<number, 'LE' | 'BE'> = { 0xa1b2c3d4: 'BE', 0xa1b23c4d: 'BE', 0xd4c3b2a1: 'LE', 0x4d3cb2a1: 'LE' };
/** A record beyond this is no packet, but a stream that is out of step. */
const RECORD_MAX = 1 << 20;

export class PcapStream {
  #held: Buffer = Buffer.alloc(0);
  #order: 'LE' | 'BE' | undefined;

  /** @returns the packets that are whole by now; none any more once the stream makes no sense */
  push(chunk: Uint8Array): Buffer[] {
    this.#held = Buffer.concat([this.#held, chunk]);
    const packets: Buffer[] = [];
    if (this.#order === undefined) {
      if (this.#held.length < FILE_HEADER) return packets;
      this.#order = MAGICS[this.#held.readUInt32BE(0)];
      this.#held = this.#held.subarray(FILE_HEADER);
    }
    while (this.#order !== undefined && this.#held.length >= RECORD_HEADER) {
      const captured = this.#order === 'LE' ? this.#held.readUInt32LE(8) : this.#held.readUInt32BE(8);
      if (captured > RECORD_MAX) this.#held = Buffer.alloc(0);
      if (this.#held.length < RECORD_HEADER + captured) break;
      packets.push(this.#held.subarray(RECORD_HEADER, RECORD_HEADER + captured));
      this.#held = this.#held.subarray(RECORD_HEADER + captured);
    }
    return packets;
  }
}
