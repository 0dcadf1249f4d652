/**
 * `clear-df fast-path`: what a tunnel's plan with engine bpf is carried out by, on a device that every kernel has.
 *
 *   here eth0 ─────── eth0 there        program at egress of here's eth0
 *   10.0.0.1            10.0.0.2
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/errors.js';
import type { FastStats } from '../../src/fast-path/fast-path.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { ping } from '../helpers/traffic.js';

let lab: Lab;
let here: Namespace;
let there: Namespace;

beforeAll(async () => {
  lab = await Lab.create();
  here = await lab.namespace('here');
  there = await lab.namespace('there');
  await lab.link({ at: here, dev: 'eth0', address: '10.0.0.1/24' }, { at: there, dev: 'eth0', address: '10.0.0.2/24' });
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(async () => {
  await here.try('tc', ['qdisc', 'del', 'dev', 'eth0', 'clsact']);
  await here.try('tc', ['qdisc', 'del', 'dev', 'eth0', 'ingress']);
});

const fastPath = (...words: string[]) => clearDf(here, ['fast-path', ...words]);
const tc = async (): Promise<string> =>
  `${await here.exec('tc', ['qdisc', 'show'])}${await here.exec('tc', ['filter', 'show', 'dev', 'eth0', 'egress'])}`;
const shown = async (): Promise<(FastStats & { name: string })[]> =>
  JSON.parse((await fastPath('show', '--json')).stdout) as (FastStats & { name: string })[];

/** Of three packets that leave: whether each has DF. */
async function sent(): Promise<boolean[]> {
  const far = await Capture.start(there, 'eth0', ['icmp and src 10.0.0.1']);
  expect((await ping(here, '10.0.0.2', { size: 100 })).received).toBe(3);
  return (await far.stop(3)).map(({ dontFragment }) => dontFragment);
}

it('attach clears DF with no process running, exchanges in place, and detach leaves tc as it was', async () => {
  const before = await tc();
  expect(await sent()).toEqual([true, true, true]);
  expect((await fastPath('attach', 'eth0', '--name', 'a')).exitCode).toBe(0);
  expect(await sent()).toEqual([false, false, false]);
  expect((await fastPath('attach', 'eth0', '--name', 'a', '--identification', 'keep')).exitCode).toBe(0);
  expect(await sent()).toEqual([false, false, false]);
  expect(await shown()).toMatchObject([
    { name: 'a', device: 'eth0', direction: 'egress', counters: { cleared: 6, failed: 0 } },
  ]);
  expect((await fastPath('detach', 'eth0', '--name', 'a')).exitCode).toBe(0);
  expect(await tc()).toBe(before);
  expect((await fastPath('show')).stdout).toBe('no program of clear-df is attached');
});

it('--dry-run says what would be done, and changes nothing', async () => {
  const before = await tc();
  const { exitCode, stdout } = await fastPath('attach', 'eth0', '--name', 'a', '--dry-run');
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: 'clear-df fast-path attach eth0 --name a --identification random',
  });
  expect(await tc()).toBe(before);
});

it.each([
  ['no such device', 'eth9', [], 'ENVIRONMENT', /eth9: there is no such device here \(ENODEV\)/],
  [
    "another program's filter at its place",
    'eth0',
    [
      ['qdisc', 'add', 'dev', 'eth0', 'clsact'],
      'filter add dev eth0 egress pref 52720 protocol all u32 match u32 0 0 classid 1:1'.split(' '),
    ],
    'CONFLICT',
    /another program's filter has preference 52720/,
  ],
  [
    "another program's ingress qdisc",
    'eth0',
    [['qdisc', 'add', 'dev', 'eth0', 'ingress']],
    'CONFLICT',
    /another program's ingress qdisc is where clsact has to be/,
  ],
] as const)('attach refuses %s, which stays', async (_what, device, made, code, words) => {
  for (const command of made) await here.exec('tc', command);
  const before = await tc();
  const { exitCode, stderr } = await fastPath('attach', device);
  expect(stderr).toMatch(words);
  expect(exitCode).toBe(EXIT_CODES[code]);
  expect(await tc()).toBe(before);
});

it('detach says that there is none', async () => {
  const { exitCode, stderr } = await fastPath('detach', 'eth0', '--name', 'b');
  expect(stderr).toContain('no program of b is attached there');
  expect(exitCode).toBe(EXIT_CODES.RUNTIME);
});
