/**
 * The examples as shipped, importing `clear-df` by its name, on real packets:
 *
 *   ping ── OUTPUT ── NFQUEUE ── example ── lo
 *
 * 3 pings with `-M do` send 3 requests with DF set, and each of them passes
 * OUTPUT once: at least 3 packets are cleared.
 */
import path from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { Lab, type Namespace } from '../helpers/netns.js';
import type { Running } from '../helpers/running.js';

const EXAMPLES = path.join(import.meta.dirname, '..', '..', 'examples');
const PINGS = 3;

/** Runs one example under traffic until it has counted the pings, then asks it to end. */
async function play(
  example: string,
  queues: string[],
  bound: RegExp,
  hook: (ns: Namespace) => Promise<void>,
): Promise<Running> {
  await using lab = await Lab.create();
  const ns = await lab.namespace('host');
  await hook(ns);
  const running = ns.spawn(process.execPath, [path.join(EXAMPLES, example), ...queues]);
  await running.says(bound);
  await ns.exec('ping', ['-M', 'do', '-c', String(PINGS), '-i', '0.05', '-W', '5', '127.0.0.1']);
  await running.says(new RegExp(`\\b([${PINGS}-9]|\\d\\d+) cleared`));
  await running.stop('SIGTERM');
  return running;
}

const toQueue = (queue: string) => async (ns: Namespace) => {
  await ns.exec('iptables', ['-A', 'OUTPUT', '-p', 'icmp', '-j', 'NFQUEUE', '--queue-num', queue, '--queue-bypass']);
};

test('embed.mjs counts and ends with 0 on SIGTERM', async () => {
  const { ended, stdout, stderr } = await play('embed.mjs', ['0'], /bound queue 0/, toQueue('0'));
  expect({ ended, stderr }).toEqual({ ended: { exitCode: 0, signal: undefined }, stderr: '' });
  expect(stdout).toMatch(/packets, \d+ cleared, \d+ already clear\n$/);
});

test('embed.cjs counts and ends with 0 on SIGTERM', async () => {
  const { ended, stdout } = await play('embed.cjs', ['7'], /bound queue 7/, toQueue('7'));
  expect(ended).toEqual({ exitCode: 0, signal: undefined });
  expect(stdout).toMatch(/closed\n$/);
});

test('worker-thread.mjs runs two instances and ends with 0 on SIGTERM', async () => {
  const { ended, stdout, stderr } = await play(
    'worker-thread.mjs',
    ['0', '1'],
    /queue 0: bound[^]*queue 1: bound|queue 1: bound[^]*queue 0: bound/,
    toQueue('1'),
  );
  expect({ ended, stderr }).toEqual({ ended: { exitCode: 0, signal: undefined }, stderr: '' });
  expect(stdout).toContain('queue 0: closed');
  expect(stdout).toContain('queue 1: closed');
});

test('embed.cjs without CAP_NET_ADMIN says what to do', async () => {
  await using lab = await Lab.create();
  const ns = await lab.namespace('host');
  const args = [
    '--bounding-set=-net_admin',
    '--inh-caps=-net_admin',
    process.execPath,
    path.join(EXAMPLES, 'embed.cjs'),
  ];
  const { exitCode, stderr } = await ns.try('setpriv', args);
  expect(exitCode).toBe(3);
  expect(stderr).toMatch(/CAP_NET_ADMIN \(EPERM\)/);
});

test('plan.mjs prints the steps and the sizes, without any right, and as JSON', async () => {
  const example = path.join(EXAMPLES, 'plan.mjs');
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all', process.execPath, example];
  const { stdout } = await execa('setpriv', nobody);
  // ESP in transport mode with AES-GCM, the arithmetic of docs/tunnel.md: 1572 = 1500 + 92.
  expect(stdout).toMatch(/\d+ steps, engine tunnel-flag; 1500 bytes become 1500 \+ 92 on the wire$/);
  const { stdout: json } = await execa(process.execPath, [example, '--json']);
  expect(JSON.parse(json)).toMatchObject({ engine: 'tunnel-flag', sizes: { outer: 1572 } });
});
