/** A capture of one device: tcpdump writes it, tshark reads it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { Namespace } from './netns.js';
import type { Running } from './running.js';
import { until } from './until.js';

/** The IPv4 header of one captured packet. */
export interface Captured {
  length: number;
  identification: number;
  dontFragment: boolean;
  moreFragments: boolean;
  /** In bytes. */
  offset: number;
  protocol: number;
  source: string;
  destination: string;
  headerChecksumGood: boolean;
}

let serial = 0;

export class Capture {
  private constructor(
    readonly file: string,
    private readonly tcpdump: Running,
  ) {}

  /** Starts tcpdump and returns once the kernel hands it packets. */
  static async start(namespace: Namespace, dev: string, filter: string[] = ['ip'], snap = 262_144): Promise<Capture> {
    const file = path.join(await namespace.lab.scratch(), `${dev}-${++serial}.pcap`);
    const options = ['-Z', 'root', '--immediate-mode', '-U', '-n', '-B', '65536', '-s', String(snap)];
    const tcpdump = namespace.spawn('tcpdump', [...options, '-i', dev, '-w', file, ...filter]);
    // Printed after pcap_activate and the filter: from here on nothing is missed.
    await tcpdump.says(/listening on/);
    return new Capture(file, tcpdump);
  }

  /** As {@link finish}, and returns the headers of what was captured. */
  async stop(count: number, timeout?: number): Promise<Captured[]> {
    await this.finish(count, timeout);
    return readHeaders(this.file);
  }

  /** Waits until `count` packets are in the file, then stops. @throws Error when the kernel dropped some */
  async finish(count: number, timeout = 30_000): Promise<void> {
    await until(`${count} packets are in ${this.file}`, async () => (await pcapCount(this.file)) >= count, timeout);
    await this.tcpdump.stop('SIGINT');
    const dropped = Number(/(\d+) packets? dropped by kernel/.exec(this.tcpdump.stderr)?.[1]);
    if (dropped !== 0) throw new Error(`tcpdump missed ${dropped} packets: ${this.tcpdump.stderr}`);
  }

  /** The capture as tcpdump prints it, verbose, one entry per packet. */
  async lines(filter: string[] = []): Promise<string[]> {
    const { stdout } = await execa('tcpdump', ['-nn', '-v', '-t', '-r', this.file, ...filter]);
    return stdout.split(/\n(?=\S)/).map((entry) => entry.replace(/\n\s+/g, ' '));
  }
}

/** Packets in a classic pcap file that may still be growing; a half-written record does not count. */
async function pcapCount(file: string): Promise<number> {
  const bytes = await readFile(file);
  let count = 0;
  for (let at = 24; at + 16 <= bytes.length; count++) {
    at += 16 + bytes.readUInt32LE(at + 8);
    if (at > bytes.length) break;
  }
  return count;
}

const FIELDS = ['len', 'id', 'flags.df', 'flags.mf', 'frag_offset', 'proto', 'src', 'dst', 'checksum.status'];

/** The outer IPv4 header of every packet, read by tshark with checksums verified. */
export async function readHeaders(file: string): Promise<Captured[]> {
  const { stdout } = await execa('tshark', [
    ...['-n', '-r', file, '-Y', 'ip', '-o', 'ip.check_checksum:TRUE', '-o', 'ip.defragment:FALSE'],
    ...['-T', 'fields', '-E', 'occurrence=f'],
    ...FIELDS.flatMap((field) => ['-e', `ip.${field}`]),
  ]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [length, identification, df, mf, offset, protocol, source, destination, status] = line.split('\t');
      return {
        length: Number(length),
        identification: Number(identification),
        dontFragment: df === '1' || df === 'True',
        moreFragments: mf === '1' || mf === 'True',
        // tshark shows the field as it is in the header: units of 8 bytes.
        offset: Number(offset) * 8,
        protocol: Number(protocol),
        source: source ?? '',
        destination: destination ?? '',
        headerChecksumGood: status === '1',
      };
    });
}
