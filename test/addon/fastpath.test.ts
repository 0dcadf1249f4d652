/**
 * The program of the fast path against the rules of the queue, packet by packet, without any network: what it does is
 * seen by BPF_PROG_TEST_RUN. The kernel has to take the program, so these want root.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { clangVersion, generate, PRODUCT, sourceHash } from '../../scripts/build-bpf.js';
import { EVERY_PACKET } from '../../src/fast-path/place.js';
import { compareRules, Distances, FastProgram, identificationOf, tcpFrame } from '../helpers/fast-program.js';

describe('the generated program', () => {
  const kept = readFileSync(PRODUCT, 'utf8');

  it(`is of the sources as they are: npx tsx scripts/build-bpf.ts (${path.basename(PRODUCT)})`, () => {
    expect(/sources: (\w+)/.exec(kept)?.[1]).toBe(sourceHash());
  });

  it('is byte for byte what the same compiler makes', ({ skip }) => {
    const version = clangVersion();
    if (!kept.includes(`compiler: ${version} *`)) skip(`this is ${version}, another one made it`);
    expect(generate()).toBe(kept);
  });
});

it('the kernel takes the program while signals come all the time', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-signals-'));
  try {
    // A profile is made of SIGPROF, here each 100 µs; the verifier takes longer.
    const profiled = ['--cpu-prof', '--cpu-prof-interval', '100', '--cpu-prof-dir', folder];
    const script = path.join(import.meta.dirname, 'fixtures/load-program.cjs');
    const addon = path.join(import.meta.dirname, '../../build/Release/clear_df_fastpath.node');
    const settings = JSON.stringify({ ...EVERY_PACKET, ethernet: true });
    const { stdout } = await execa(process.execPath, [...profiled, script, addon, settings]);
    expect(JSON.parse(stdout)).toEqual({ taken: 20, errors: [] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('the packet rules', () => {
  it.each(['random', 'keep'] as const)('are those of the queue: 4,000 frames, %s', (policy) => {
    const { cleared, different } = compareRules(4000, 1, policy);
    expect(different).toEqual([]);
    // Well over half of them have DF and are sound.
    expect(cleared).toBeGreaterThan(1500);
  });

  it('every packet is counted once, and what became of it', () => {
    const fast = FastProgram.load();
    fast.run(tcpFrame());
    fast.run(tcpFrame('10.0.0.2', 1, false));
    const broken = tcpFrame();
    broken[24]! ^= 1;
    fast.run(broken);
    expect(fast.counters()).toMatchObject({
      packets: 3,
      cleared: 1,
      alreadyClear: 1,
      badChecksum: 1,
      identifications: 1,
    });
  });

  it('leaves what is not longer than asked for, by the length on the wire of a GSO packet', () => {
    const fast = FastProgram.load({ largerThan: 1400 });
    expect(fast.run(tcpFrame())[20]).toBe(0x40);
    // 1400 + 20 + 20 bytes on the wire, in two packets.
    expect(fast.run(tcpFrame(), { size: 1400, segments: 2 })[20]).toBe(0);
    expect(fast.run(tcpFrame(), { size: 1360, segments: 2 })[20]).toBe(0x40);
    expect(fast.counters()).toMatchObject({ packets: 3, cleared: 1, fits: 2, gso: 1, identifications: 2 });
  });

  it('leaves other addresses, protocols and ports alone', () => {
    const only = { source: '10.0.0.0', sourceBits: 24, destination: '10.9.0.0', destinationBits: 16 };
    const fast = FastProgram.load(only);
    expect(fast.run(tcpFrame('10.9.1.1'))[20]).toBe(0);
    expect(fast.run(tcpFrame('10.8.1.1'))[20]).toBe(0x40);
    expect(FastProgram.load({ protocol: 17 }).run(tcpFrame())[20]).toBe(0x40);
    expect(FastProgram.load({ protocol: 6 }).run(tcpFrame())[20]).toBe(0);
    expect(fast.counters()).toMatchObject({ cleared: 1, notMatched: 1 });
  });

  it('leaves TCP that GRO may have merged with one identification for the queue', () => {
    const fast = FastProgram.load();
    expect(fast.run(tcpFrame('10.0.0.2', 0), { size: 1000, segments: 2 })[20]).toBe(0x40);
    expect(fast.run(tcpFrame('10.0.0.2', 0))[20]).toBe(0);
    expect(fast.counters()).toMatchObject({ cleared: 1, leftForQueue: 1 });
  });
});

describe('identifications', () => {
  it.each([1, 2, 45, 56, 86, 128])('in runs of %i: none is 0, and none repeats within 30,000', (run) => {
    const fast = FastProgram.load();
    const distances = new Distances();
    while (distances.taken < 150_000) {
      distances.take(
        identificationOf(fast.run(tcpFrame(), run === 1 ? undefined : { size: 1000, segments: run })),
        run,
      );
    }
    expect(distances.has(0)).toBe(false);
    expect(distances.has(65_536)).toBe(false);
    expect(distances.least).toBeGreaterThanOrEqual(30_000);
  });

  it('keep stays where it is not 0; sequential counts', () => {
    const keep = FastProgram.load({ identification: 'keep' });
    expect(identificationOf(keep.run(tcpFrame()))).toBe(0x1234);
    expect(identificationOf(keep.run(tcpFrame('10.0.0.2', 0)))).not.toBe(0);
    const sequential = FastProgram.load({ identification: 'sequential' });
    const first = identificationOf(sequential.run(tcpFrame()));
    expect(identificationOf(sequential.run(tcpFrame()))).toBe(first === 65_535 ? 1 : first + 1);
  });

  it('of one destination and protocol are not in one order twice', () => {
    const orders = [0, 1].map(() => {
      const fast = FastProgram.load();
      return Array.from({ length: 100 }, () => identificationOf(fast.run(tcpFrame()))).join();
    });
    expect(orders[0]).not.toBe(orders[1]);
  });
});
