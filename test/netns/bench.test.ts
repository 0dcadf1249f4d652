/**
 * The bench says of each contender what it did; here it has to be right. `bench/lab/network.ts` draws the network,
 * `bench/check.ts` says what is expected: every number once, in the order of its flow, DF and checksums as they have to
 * be. Counts only, so that a busy machine changes nothing. clear-df stands for all, `bench.more.ts` has two others,
 * and `npm run bench -- --check` looks at each.
 */
import { cpus } from 'node:os';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { check } from '../../bench/check.js';
import { contender } from '../../bench/contenders/table.js';
import { pin, planCores } from '../../bench/lab/cores.js';
import { type Network, network } from '../../bench/lab/network.js';
import { runCell } from '../../bench/loads/cell.js';
import { Ring } from '../../bench/loads/ring.js';
import { runTrial } from '../../bench/model/trial.js';
import { measureProgram } from '../../bench/program.js';
import { LOADS } from '../../bench/record/catalogue.js';
import { MODEL_TRIALS } from '../../bench/record/model.js';
import { clearedShare, packetsPerCpuSecond } from '../../bench/record/measures.js';
import { patient } from '../helpers/slowness.js';

const ONE_CORE = cpus().length < 2;

let net: Network;
beforeAll(async () => {
  if (ONE_CORE) return;
  // As the bench does: what it starts without another word leaves the contender's cores alone.
  await pin(planCores().receiver);
  net = await network();
});
afterAll(async () => {
  if (!ONE_CORE) await net.lab[Symbol.asyncDispose]();
});
beforeEach((context) => {
  if (ONE_CORE) context.skip('kernel: it has one core, and the bench takes two');
});

it('the bench counts every packet of clear-df', async () => {
  expect(await check(net, contender('clear-df'))).toEqual([]);
});

it('a load at a pace has its latency, and its cost', async () => {
  const load = LOADS.find(({ name }) => name === 'pace-50');
  if (load === undefined) throw new Error('the catalogue has no pace-50');
  const cell = await runCell(net, contender('clear-df'), load, 2000, 1);
  // Every packet of so slow a load is a sample.
  expect(cell.latency?.samples).toBe(cell.datagrams?.arrived);
  expect(cell.latency).toMatchObject({ missed: 0, disorder: 0 });
  const { seen, without } = cell.latency as NonNullable<typeof cell.latency>;
  for (const { median, p99, p999, max } of [seen, without]) {
    expect(median).toBeGreaterThan(0);
    expect([median, p99, p999, max]).toEqual([median, p99, p999, max].sort((a, b) => a - b));
  }
  expect(clearedShare(cell)).toBe(1);
  expect(packetsPerCpuSecond(cell)).toBeGreaterThan(0);
});

it('TCP has its bytes, and nothing is left behind', async () => {
  const load = LOADS.find(({ name }) => name === 'tcp-many');
  if (load === undefined) throw new Error('the catalogue has no tcp-many');
  const { stream, cpu, ended } = await runCell(net, contender('clear-df'), load, 0, 1);
  expect(ended).toBeUndefined();
  expect(stream?.bytes).toBeGreaterThan(0);
  expect(cpu.contender).toBeGreaterThan(0);
  expect(await net.router.exec('iptables', ['-t', 'mangle', '-S', 'PREROUTING'])).toBe('-P PREROUTING ACCEPT');
});

it('a trial of the model measures what a packet costs', async () => {
  const trial = MODEL_TRIALS.find(({ use, length }) => use === 'backlog' && length === 600);
  if (trial === undefined) throw new Error('the model has no such trial');
  const ring = await Ring.enter(net, contender('clear-df'));
  try {
    // Ends when the backlog is sent.
    const point = await runTrial(ring, trial, 1, patient(30_000) / 1000);
    expect(point).toMatchObject({ use: 'backlog', way: 'clear-df', length: 600, df: 1, queues: 1, round: 1 });
    for (const cost of [point.receiving, point.rate, point.clearing, point.batches]) expect(cost).toBeGreaterThan(0);
  } finally {
    await ring.leave();
  }
});

it('the program of the fast path has its cost, and nothing of it stays', async () => {
  const lines = await measureProgram(net, 1);
  const figures = lines.flatMap((line) => (/^ *[\d.]+ +([\d.]+ +)?\S/.test(line) ? [Number.parseFloat(line)] : []));
  // Seven cases where DF is set, two where it is clear; then a rate for each of four loads.
  expect(figures).toHaveLength(13);
  for (const figure of figures) expect(figure).toBeGreaterThan(0);
  expect(await net.router.exec('tc', ['filter', 'show', 'dev', 'eth0', 'ingress'])).toBe('');
});
