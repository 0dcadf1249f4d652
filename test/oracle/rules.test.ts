/**
 * The rules against three outsiders: scapy makes the packets and says what each is owed, a second implementation says
 * what must come of it byte for byte, and tshark judges the checksums.
 *
 *   make_packets.py ──► X.pcap ──► clear-df pcap ──► X.POLICY.pcap ──┬─► compare: reference and labels
 *        (scapy)   └──► X.jsonl (what each is owed) ─────────────────┤
 *                                                                    └─► tshark
 *
 * 20,000 frames behind Ethernet, and the first 2000 that are plain IP behind raw IP and both kinds of Linux cooked.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN } from '../helpers/clear-df.js';
import { patient } from '../helpers/slowness.js';
import { Bench, clearDfPcap, type Report, type Run } from './bench.js';
import { compare, type Comparison } from './compare.js';
import { type Frame, readFrames } from './frames.js';
import type { Policy } from './reference.js';
import { type Checksums, checksums } from './tshark.js';

const SEED = 20_261_121;
const FRAMES = 20_000;
const POLICIES: readonly Policy[] = ['random', 'keep', 'sequential'];
const GOOD = '1';

let bench: Bench;
const at = (name: string) => bench.at(name);
const run = (name: string, policy: Policy) => bench.run(name, policy);

/** The report against what the reference added up. */
function expectCounters(report: Report, { sums }: Comparison): void {
  const { frames, notIp, ...counters } = sums;
  expect({ frames: report.frames, notIp: report.notIp }).toEqual({ frames, notIp });
  const raised = Object.entries(report.counters).filter(([, value]) => value > 0);
  expect(Object.fromEntries(raised)).toEqual(
    Object.fromEntries(Object.entries(counters).filter(([, value]) => value > 0)),
  );
}

beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
  bench = await Bench.make(SEED, FRAMES);
}, patient(180_000));

afterAll(async () => {
  await bench?.remove();
});

describe('reference and labels', () => {
  it('has every class and every outcome among the packets', async () => {
    const { labels, comparison } = await run('ethernet', 'random');
    expect(labels.length).toBe(FRAMES);
    const classes = new Set(labels.map((label) => label.class));
    // 8 combinations of C, K and S with 5 payloads each, DF set and clear.
    expect([...classes].filter((name) => name.startsWith('gre ')).length).toBe(8 * 5 * 2);
    for (const [name, value] of Object.entries(comparison.sums)) expect(value, name).toBeGreaterThan(100);
  });

  it.each(POLICIES)('agree on every byte and every counter with --identification %s', async (policy) => {
    const { report, comparison } = await run('ethernet', policy);
    expect(comparison.faults).toEqual([]);
    expectCounters(report, comparison);
    expect(report.counters.packets).toBe(comparison.verdicts.filter(({ sort }) => sort !== 'notIp').length);
  });

  it.each(['raw', 'sll', 'sll2'])('agree behind the link layer %s', async (name) => {
    const { report, comparison } = await run(name, 'keep');
    expect(comparison.sums.frames).toBe(2000);
    expect(comparison.faults).toEqual([]);
    expectCounters(report, comparison);
  });

  it('leave everything but the packets alone', async () => {
    const { before } = await run('ethernet', 'random');
    const [input, output] = await Promise.all(
      ['ethernet', 'ethernet.random'].map((name) => readFile(at(`${name}.pcap`))),
    );
    expect(output?.length).toBe(input?.length);
    expect(output?.subarray(0, 24)).toEqual(input?.subarray(0, 24));
    expect(before.reduce((bytes, frame) => bytes + 16 + frame.bytes.length, 24)).toBe(output?.length);
  });
});

describe('formats', () => {
  // editcap converts there and back; what it makes of a capture that clear-df did not touch is the yardstick.
  it.each([
    ['pcapng', 'pcapng'],
    ['nsecpcap', 'pcap'],
  ])('gives the same for %s', async (name, format) => {
    const { before, labels } = await run('ethernet', 'keep');
    await execa('editcap', ['-F', name, at('ethernet.pcap'), at(`in.${name}`)]);
    const report = await clearDfPcap(at(`in.${name}`), at(`out.${name}`), 'keep');
    expect(report.format).toBe(format);
    expect((await readFile(at(`out.${name}`))).length).toBe((await readFile(at(`in.${name}`))).length);
    await execa('editcap', ['-F', 'pcap', at(`out.${name}`), at(`back.${name}.pcap`)]);
    const comparison = compare(before, readFrames(at(`back.${name}.pcap`)), labels, 'keep');
    expect(comparison.faults).toEqual([]);
    expectCounters(report, comparison);
  });

  it('streams from standard input to standard output', async () => {
    const { before, labels } = await run('ethernet', 'random');
    const input = await readFile(at('ethernet.pcap'));
    const piped = await execa(process.execPath, [MAIN, 'pcap', '-', '-', '--json'], {
      input,
      encoding: 'buffer',
      stripFinalNewline: false,
    });
    await writeFile(at('piped.pcap'), piped.stdout);
    const comparison = compare(before, readFrames(at('piped.pcap')), labels, 'random');
    expect(comparison.faults).toEqual([]);
    expectCounters(JSON.parse(Buffer.from(piped.stderr).toString()) as Report, comparison);
  });
});

describe('identifications', () => {
  /** Those given out, per destination and protocol, in order. */
  function givenOut({ after, labels, comparison }: Run): number[][] {
    const pairs = new Map<string, number[]>();
    for (const [i, verdict] of comparison.verdicts.entries()) {
      const [frame, label] = [after[i], labels[i]];
      if (!verdict.identified || frame === undefined || label === undefined) continue;
      const header = frame.bytes.subarray(label.network);
      const pair = `${header.toString('hex', 16, 20)} ${header.readUInt8(9)}`;
      const list = pairs.get(pair) ?? [];
      pairs.set(pair, list);
      list.push(header.readUInt16BE(4));
    }
    return [...pairs.values()];
  }

  it.each(POLICIES)('are never 0 and never repeat for a destination and protocol with %s', async (policy) => {
    const lists = givenOut(await run('ethernet', policy));
    expect(Math.max(...lists.map((list) => list.length))).toBeGreaterThan(10);
    for (const list of lists) {
      expect(list).not.toContain(0);
      expect(new Set(list).size).toBe(list.length);
    }
  });

  it('count up without gap with sequential, over 65535 to 1', async () => {
    for (const list of givenOut(await run('ethernet', 'sequential'))) {
      const first = list[0] ?? 0;
      expect(list).toEqual(list.map((_, i) => ((first - 1 + i) % 0xffff) + 1));
    }
  });

  it('do not count up with random', async () => {
    const lists = givenOut(await run('ethernet', 'random'));
    const steps = lists.flatMap((list) => list.slice(1).map((id, i) => id - (list[i] ?? 0)));
    expect(steps.length).toBeGreaterThan(1000);
    // By chance one step in 65535 is a 1: 1 % of thousands is far beyond it.
    expect(steps.filter((step) => step === 1).length).toBeLessThan(steps.length / 100);
  });

  it('stay with keep, wherever there was one', async () => {
    const { before, after, labels, comparison } = await run('ethernet', 'keep');
    const number = (frames: Frame[], i: number) => frames[i]?.bytes.readUInt16BE((labels[i]?.network ?? 0) + 4) ?? 0;
    const cleared = comparison.verdicts.flatMap(({ sort, fragment }, i) =>
      sort === 'cleared' && !fragment ? [i] : [],
    );
    const [had, hadNone] = [
      cleared.filter((i) => number(before, i) !== 0),
      cleared.filter((i) => number(before, i) === 0),
    ];
    expect(had.length).toBeGreaterThan(1000);
    expect(hadNone.length).toBeGreaterThan(1000);
    expect(had.every((i) => number(after, i) === number(before, i))).toBe(true);
    expect(hadNone.every((i) => number(after, i) !== 0)).toBe(true);
  });
});

/** What tshark holds against a capture that clear-df wrote, one line per frame. */
function checksumFaults(before: Checksums[], after: Checksums[], { labels, comparison }: Run): string[] {
  return labels.flatMap((label, i) => {
    const [was, is] = [before[i], after[i]];
    const faults: string[] = [];
    if (was === undefined || is === undefined) return [`frame ${i + 1}: tshark says nothing`];
    if (comparison.verdicts[i]?.sort === 'cleared' && is.ip[0] !== GOOD) faults.push(`header checksum ${is.ip[0]}`);
    if (label.transport === 'good' && [...is.tcp, ...is.udp].join() !== GOOD) {
      faults.push(`transport checksum '${[...is.tcp, ...is.udp].join()}'`);
    }
    if (JSON.stringify(is) !== JSON.stringify(was)) faults.push(`${JSON.stringify(was)} became ${JSON.stringify(is)}`);
    return faults.map((fault) => `frame ${i + 1} (${label.class}): ${fault}`);
  });
}

describe('tshark', () => {
  it.each(POLICIES)('finds every checksum good that must be, with %s', async (policy) => {
    const done = await run('ethernet', policy);
    const [before, after] = [await bench.checksums('ethernet'), await bench.checksums(`ethernet.${policy}`)];
    expect(checksumFaults(before, after, done)).toEqual([]);
    const transports = after.filter((_, i) => done.labels[i]?.transport === 'good');
    expect(transports.length).toBeGreaterThan(3000);
    // It does look: it finds those bad that were made bad.
    const bad = after.filter((_, i) => done.labels[i]?.transport === 'bad');
    expect(bad.length).toBeGreaterThan(100);
    expect(bad.every(({ tcp, udp }) => [...tcp, ...udp].join() === '0')).toBe(true);
  });
});

describe('the oracle itself', () => {
  it('sees any byte of a cleared packet that is wrong, and any of one that must pass', async () => {
    const { before, after, labels, comparison } = await run('ethernet', 'keep');
    for (const sort of ['cleared', 'alreadyClear', 'malformed', 'badChecksum', 'notIp'] as const) {
      const i = comparison.verdicts.findIndex(
        (verdict, n) => verdict.sort === sort && (after[n]?.bytes.length ?? 0) > 40,
      );
      const frame = after[i];
      if (frame === undefined) throw new Error(`no frame is ${sort}`);
      for (let byte = 0; byte < frame.bytes.length; byte += 1) {
        const bytes = Buffer.from(frame.bytes);
        bytes[byte] = (bytes[byte] ?? 0) ^ 0x10;
        const spoilt = [{ ...frame, bytes }];
        expect(
          compare(before.slice(i, i + 1), spoilt, labels.slice(i, i + 1), 'keep').faults,
          `byte ${byte}`,
        ).toHaveLength(1);
      }
    }
  });

  it('sees a packet that was not cleared, one missing, a wrong time and a wrong label', async () => {
    const { before, after, labels, comparison } = await run('ethernet', 'random');
    const i = comparison.verdicts.findIndex(({ sort }) => sort === 'cleared');
    const faults = (changed: Frame[], told = labels) => compare(before, changed, told, 'random').faults;
    const swap = <T>(list: T[], item: T) => [...list.slice(0, i), item, ...list.slice(i + 1)];
    const [was, is, label] = [before[i], after[i], labels[i]];
    if (was === undefined || is === undefined || label === undefined) throw new Error('no frame was cleared');
    expect(faults(swap(after, was))).toHaveLength(1);
    expect(faults(swap(after, { ...is, head: Buffer.alloc(16) }))).toHaveLength(1);
    expect(faults(after.slice(0, -1))).toHaveLength(1);
    expect(faults(after, swap(labels, { ...label, expected: 'alreadyClear' }))).toHaveLength(1);
  });

  it('sees a wrong header checksum and a wrong transport checksum through tshark', async () => {
    const done = await run('ethernet', 'random');
    const spoilt = await readFile(at('ethernet.random.pcap'));
    const i = done.labels.findIndex(({ transport, expected }) => transport === 'good' && expected === 'cleared');
    const start = done.after.slice(0, i).reduce((sum, { bytes }) => sum + 16 + bytes.length, 24) + 16;
    const network = start + (done.labels[i]?.network ?? 0);
    const before = await bench.checksums('ethernet');
    // The TTL is covered by the header checksum alone, the first port by the transport's alone.
    for (const byte of [8, (spoilt.readUInt8(network) % 16) * 4]) {
      const copy = Buffer.from(spoilt);
      copy.writeUInt8(copy.readUInt8(network + byte) ^ 0x10, network + byte);
      await writeFile(at('spoilt.pcap'), copy);
      const faults = checksumFaults(before, await checksums(at('spoilt.pcap')), done);
      expect(faults.length).toBeGreaterThan(0);
      expect(faults.every((fault) => fault.startsWith(`frame ${i + 1} `))).toBe(true);
    }
  });
});
