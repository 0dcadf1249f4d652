/**
 * The system calls of what stays, and of all that it runs, counted by strace: the units let through what is used, and take
 * away what of systemd's own group for services is not.
 *
 *   router: lan0 ─ x0, wan0 ─ x1 (veth), the default route by wan0
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { CONFINED_NODE, CONFINED_QUEUE } from '../../src/tunnel/unit-confined.js';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { install } from '../helpers/debian-packages.js';
import { patient } from '../helpers/slowness.js';
import { plainRouter } from '../helpers/plain-router.js';

/** V8 asks whether it can protect its pages so, and goes on without. */
const REFUSED = ['pkey_alloc'];
/** Called where a story does not come by: threads held on one CPU; the wait for the lock of iptables-legacy. */
const KEPT = ['@resources', '@timer'];

/** A group of systemd's, those within it included. */
async function callsOf(group: string): Promise<{ groups: string[]; calls: Set<string> }> {
  const { stdout } = await execa('systemd-analyze', ['--no-pager', 'syscall-filter', group]);
  const lines = stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
  const groups = lines.filter((line) => line.startsWith('@'));
  const inner = await Promise.all(groups.map(callsOf));
  return {
    groups,
    calls: new Set([...lines.filter((line) => /^\w/.test(line)), ...inner.flatMap(({ calls }) => [...calls])]),
  };
}

const SERVICE = '@system-service';
const filters = CONFINED_QUEUE.flatMap((line) => /^SystemCallFilter=(.*)$/.exec(line)?.[1] ?? []);
const denied = filters.flatMap((filter) => (filter.startsWith('~') ? filter.slice(1).split(' ') : []));
const used = new Set<string>();

beforeAll(() => install('strace'), patient(300_000));

it.each([
  ['a queue, its rules by iptables-nft and the fast path', ['fast-path: require', 'backend: iptables-nft']],
  ['a queue, its rules by nft', ['fast-path: off', 'backend: nft']],
  ['a queue, its rules by iptables-legacy', ['fast-path: off', 'backend: iptables-legacy']],
  ['a tunnel', undefined],
] as const)('of %s', async (_, options) => {
  const { lab, machine } = await plainRouter();
  await using _lab = lab;
  const scratch = await lab.scratch();
  const [file, counts] = [path.join(scratch, 'file.yaml'), path.join(scratch, 'counts')];
  const tunnel = [
    ...['name: west', 'local: 192.0.2.1', 'remote: 192.0.2.254', 'underlay: wan0', 'tunnel: { type: vxlan }'],
    ...['bridge: { name: br0, ports: [lan0] }', 'engine: nfqueue', 'queue: 0'],
  ];
  const queue = ['queue: 0', 'install-rules: true', 'forwarded: true', 'in-dev: lan0', 'out-dev: wan0'];
  const lines = options === undefined ? tunnel : [...queue, ...options];
  const write = (more: readonly string[]) => writeFile(file, more.map((line) => `${line}\n`).join(''));
  await write(lines);
  // As the unit does it, before it confines itself.
  if (options === undefined) await clearDf(machine, ['tunnel', 'up', '--setup-only', file]);
  const words = options === undefined ? ['tunnel', 'up'] : ['run', '--config'];
  const [node, main] = commandOf(machine);
  const traced = ['-f', '-c', '-U', 'name', '-o', counts, node, ...CONFINED_NODE, main, ...words, file];
  const running = machine.spawn('strace', traced);
  await running.says(options === undefined ? /tunnel west is up/ : /clear-df is running/);
  const clear = Number(readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ')[0]);
  for (const page of ['', 'stats', 'metrics']) {
    await machine.exec('curl', ['-sf', '-o', '/dev/null', `http://127.0.0.1:9857/${page}`]);
  }
  if (options !== undefined) await write([...lines, 'identification: sequential']);
  process.kill(clear, 'SIGHUP');
  await running.says(/file read again|HUP/);
  await machine.exec('sh', [
    '-c',
    'for t in iptables-nft iptables-legacy; do $t -t mangle -F; done; nft flush ruleset',
  ]);
  await running.says(/installed again/);
  process.kill(clear, 'SIGTERM');
  await running.wait();
  const rows = readFileSync(counts, 'utf8').split('\n').slice(2);
  for (const row of rows) if (/^\w+$/.test(row.trim()) && row.trim() !== 'total') used.add(row.trim());
  expect(used.size).toBeGreaterThan(50);
});

it('all of them pass the filter, and what nothing uses does not', async () => {
  const service = await callsOf(SERVICE);
  const taken = await Promise.all(denied.map(callsOf));
  const allowed = new Set(service.calls);
  for (const { calls } of taken) for (const call of calls) allowed.delete(call);
  for (const filter of filters) if (/^\w/.test(filter)) allowed.add(filter);
  expect([...used].filter((call) => !allowed.has(call) && !REFUSED.includes(call))).toEqual([]);
  const idle = [];
  for (const group of service.groups) {
    const { calls } = await callsOf(group);
    if (![...calls].some((call) => used.has(call)) && [...calls].some((call) => allowed.has(call))) idle.push(group);
  }
  expect(idle.filter((group) => !KEPT.includes(group))).toEqual([]);
});
