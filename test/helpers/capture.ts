/** A capture of one device: tcpdump writes it, tshark reads it. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { localMachine } from './local-machine.js';
import type { Machine } from './machine.js';
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

/** Whether several have identification 0: one of them the kernel's own counter may have come to, once in 65,536. */
export function severalZero(packets: readonly Pick<Captured, 'identification'>[]): boolean {
  return packets.filter(({ identification }) => identification === 0).length > 1;
}

/** Bytes of the header in front of the IP packet. */
const ETHERNET = 14;

let serial = 0;

export class Capture {
  readonly #growing: GrowingPcap;

  private constructor(
    machine: Machine,
    written: string,
    private readonly tcpdump: Running,
  ) {
    this.#growing = new GrowingPcap(machine, written);
  }

  /** On this machine, wherever tcpdump runs; whole after {@link finish}. */
  get file(): string {
    return this.#growing.file;
  }

  /** Starts tcpdump and returns once the kernel hands it packets. */
  static async start(namespace: Namespace, dev: string, filter: string[] = ['ip'], snap = 262_144): Promise<Capture> {
    const file = path.join(await namespace.lab.scratch(), `${dev}-${++serial}.pcap`);
    const options = ['-Z', 'root', '--immediate-mode', '-U', '-n', '-B', '65536', '-s', String(snap)];
    const tcpdump = namespace.spawn('tcpdump', [...options, '-i', dev, '-w', file, ...filter]);
    // Printed after pcap_activate and the filter: from here on nothing is missed.
    await tcpdump.says(/listening on/);
    return new Capture(namespace.machine, file, tcpdump);
  }

  /** As {@link finish}, and returns the headers of what was captured. */
  async stop(count: number, timeout?: number): Promise<Captured[]> {
    await this.finish(count, timeout);
    return readHeaders(this.file);
  }

  /** Waits until `count` packets are in the file, then stops. @throws Error when the kernel dropped some */
  async finish(count: number, timeout?: number): Promise<void> {
    await until(`${count} packets are in ${this.file}`, async () => (await this.#growing.count()) >= count, timeout);
    await this.tcpdump.stop('SIGINT');
    await this.#growing.count();
    const dropped = Number(/(\d+) packets? dropped by kernel/.exec(this.tcpdump.stderr)?.[1]);
    if (dropped !== 0) throw new Error(`tcpdump missed ${dropped} packets: ${this.tcpdump.stderr}`);
  }

  /** Bytes of every packet of a captured Ethernet device, its IP header included. */
  async lengths(): Promise<number[]> {
    const { stdout } = await execa('tshark', ['-n', '-r', this.file, '-T', 'fields', '-e', 'frame.len']);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => Number(line) - ETHERNET);
  }

  /** The capture as tcpdump prints it, verbose, one entry per packet. */
  async lines(filter: string[] = []): Promise<string[]> {
    const { stdout } = await execa('tcpdump', ['-nn', '-v', '-t', '-r', this.file, ...filter]);
    return stdout.split(/\n(?=\S)/).map((entry) => entry.replace(/\n\s+/g, ' '));
  }
}

/** Variable with the folder for copies of guests' files: who sets it removes it. */
export const CAPTURES = 'CLEAR_DF_CAPTURES';
/** Without it they are gone with this process, if that is not killed. */
let copies = process.env[CAPTURES];

function copyOf(file: string): string {
  if (copies === undefined) {
    const made = (copies = mkdtempSync(path.join(tmpdir(), 'cdf-captures-')));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  return path.join(copies, `${process.pid}-${++serial}-${path.basename(file)}`);
}

/** A classic pcap file that a running tcpdump writes, and its copy here when that is in a guest. */
class GrowingPcap {
  readonly file: string;
  #read = 0;
  #packets = 0;
  /** Bytes behind the last whole record. */
  #rest: Buffer = Buffer.alloc(0);
  #headerSeen = false;

  constructor(
    private readonly machine: Machine,
    private readonly written: string,
  ) {
    this.file = machine === localMachine ? written : copyOf(written);
  }

  /** Packets in the file; a half-written record does not count. */
  async count(): Promise<number> {
    const fresh = await this.machine.readFile(this.written, this.#read);
    if (this.file !== this.written) appendFileSync(this.file, fresh);
    this.#read += fresh.length;
    const bytes = Buffer.concat([this.#rest, fresh]);
    let at = 0;
    if (!this.#headerSeen && bytes.length >= 24) {
      this.#headerSeen = true;
      at = 24;
    }
    while (this.#headerSeen && at + 16 <= bytes.length) {
      const next = at + 16 + bytes.readUInt32LE(at + 8);
      if (next > bytes.length) break;
      this.#packets++;
      at = next;
    }
    this.#rest = bytes.subarray(at);
    return this.#packets;
  }
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
