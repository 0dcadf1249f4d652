/** Captures made by make_packets.py, and what clear-df made of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { MAIN } from '../helpers/clear-df.js';
import { compare, type Comparison } from './compare.js';
import { type Frame, type Label, readFrames, readLabels } from './frames.js';
import type { Policy } from './reference.js';
import { type Checksums, checksums } from './tshark.js';

const MAKER = path.join(import.meta.dirname, 'make_packets.py');

/** What `clear-df pcap --json` prints. */
export interface Report {
  counters: Record<string, number>;
  frames: number;
  notIp: number;
  format: string;
}

/** One capture through clear-df. */
export interface Run {
  before: Frame[];
  after: Frame[];
  labels: Label[];
  report: Report;
  comparison: Comparison;
}

export async function clearDfPcap(input: string, output: string, policy: Policy): Promise<Report> {
  const args = ['pcap', input, output, '--identification', policy, '--json'];
  const { stdout } = await execa(process.execPath, [MAIN, ...args]);
  return JSON.parse(stdout) as Report;
}

export class Bench {
  private readonly runs = new Map<string, Promise<Run>>();
  private readonly said = new Map<string, Promise<Checksums[]>>();

  private constructor(private readonly folder: string) {}

  static async make(seed: number, frames: number): Promise<Bench> {
    const folder = await mkdtemp(path.join(tmpdir(), 'clear-df-oracle-'));
    const env = { PYTHONDONTWRITEBYTECODE: '1' };
    await execa('/usr/bin/python3', [MAKER, folder, String(seed), String(frames)], { env });
    return new Bench(folder);
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  /** NAME.pcap through clear-df to NAME.POLICY.pcap, once. */
  run(name: string, policy: Policy): Promise<Run> {
    const key = `${name}.${policy}`;
    const run = this.runs.get(key) ?? this.start(name, key, policy);
    this.runs.set(key, run);
    return run;
  }

  /** What tshark says of a capture of {@link run}, asked once. */
  checksums(name: string): Promise<Checksums[]> {
    const said = this.said.get(name) ?? checksums(this.at(`${name}.pcap`));
    this.said.set(name, said);
    return said;
  }

  private async start(name: string, key: string, policy: Policy): Promise<Run> {
    const report = await clearDfPcap(this.at(`${name}.pcap`), this.at(`${key}.pcap`), policy);
    const [before, after] = [readFrames(this.at(`${name}.pcap`)), readFrames(this.at(`${key}.pcap`))];
    const labels = readLabels(this.at(`${name}.jsonl`));
    return { before, after, labels, report, comparison: compare(before, after, labels, policy) };
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
