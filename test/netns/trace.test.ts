/**
 * `clear-df trace` on a forwarding router, on this machine's own kernel; test/lab/trace.test.ts has the tunnel.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server      (test/helpers/topology.ts)
 *
 * An echo request passes PREROUTING, FORWARD and POSTROUTING on the router, and so does its reply.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Traced } from '../../src/trace/text.js';
import type { PathGroup } from '../../src/trace/path-groups.js';
import { clearDf, commandOf, foreignRule, startClearDf } from '../helpers/clear-df.js';
import { rulesText } from '../helpers/kernel.js';
import type { Running } from '../helpers/running.js';
import { CLIENT, forgetPathMtu, type Routed, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';

const FLOW = ['trace', '--from', CLIENT, '--to', SERVER];

let net: Routed;
let able: boolean;
beforeAll(async () => {
  net = await routed(1500);
  const chain = 'table ip t { chain c { type filter hook forward priority 0; meta nftrace set 1; }; }';
  const { exitCode } = await net.router.try('nft', ['--check', chain]);
  able = exitCode === 0;
});
afterAll(() => net.lab[Symbol.asyncDispose]());
beforeEach((context) => {
  if (!able) context.skip('kernel: no nft trace');
});

async function start(more: string[] = []): Promise<Running> {
  const [node, main] = commandOf(net.router);
  const running = net.router.spawn(node, [main, ...FLOW, ...more]);
  await running.says(/send the traffic now/);
  return running;
}

async function traced(more: string[], traffic: () => Promise<unknown>): Promise<Traced> {
  const running = await start(['--json', ...more]);
  await traffic();
  expect((await running.wait()).exitCode, running.stderr).toBe(0);
  return JSON.parse(running.stdout) as Traced;
}

const pingOnce = () => ping(net.client, SERVER, { size: 56, count: 1, patience: 1 });
const hooks = (way: PathGroup | undefined) =>
  way?.rows.map(({ hook, table }) => (table === undefined ? hook : `${hook} ${table}`));
const rulesOfAll = async () => [await rulesText(net.router), await net.router.exec('nft', ['list', 'ruleset'])];

it('shows every hook that a forwarded packet and its reply pass', async () => {
  const { paths, packets, dropped } = await traced(['--count', '2'], pingOnce);
  expect(packets).toBe(2);
  expect(paths.map(({ head }) => [head.source, head.detail.split(' ')[0]])).toEqual([
    [CLIENT, 'echo-request'],
    [SERVER, 'echo-reply'],
  ]);
  expect(hooks(paths[0])).toEqual(['prerouting', 'forward', 'postrouting']);
  expect(paths[0]?.rows[1]).toMatchObject({ devices: { in: 'eth0', out: 'eth1' }, dontFragment: true });
  expect(dropped).toEqual([]);
});

it('shows where clear-df sees it, who holds the queue, and that DF is clear behind it', async () => {
  await foreignRule(net.router);
  const daemon = await startClearDf(net.router, '0');
  try {
    const { paths, seen } = await traced(['--count', '2'], pingOnce);
    // The rule takes the request and the reply.
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatch(/ at ip \S+, rule 1 \(foreign\): queue 0, held by .*\(pid \d+\)$/);
    expect(paths[0]?.rows.map(({ dontFragment }) => dontFragment)).toEqual([true, false, false]);
  } finally {
    await daemon.stop();
    await net.router.exec('iptables', ['-t', 'mangle', '-F']);
  }
});

it('shows where the fast path clears it, which no chain shows', async (context) => {
  await clearDf(net.router, ['fast-path', 'attach', 'eth1', '--name', 'a']).then(({ exitCode, stderr }) => {
    if (exitCode === 4) context.skip(`kernel: ${stderr}`);
    expect(exitCode, stderr).toBe(0);
  });
  try {
    const { seen } = await traced(['--count', '2'], pingOnce);
    // The request leaves by eth1, the reply by eth0. ARP may pass as well.
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatch(/^10\.0\.0\.2 > 10\.0\.1\.2 icmp, 84 bytes: at egress of eth1, by the fast path of a: /);
    expect(seen[0]).toMatch(/ cleared \+1\b.*\(of all traffic\)$/);
  } finally {
    await clearDf(net.router, ['fast-path', 'detach', 'eth1', '--name', 'a']);
  }
});

/** A table that an earlier test had a rule in is still there, empty, and stands for its hook. */
const forgetTables = async () => net.router.try('nft', ['delete', 'table', 'ip', 'mangle']);

it('names the rule that drops it, with its number', async () => {
  await forgetTables();
  await net.router.exec('iptables-nft', ['-A', 'FORWARD', '-p', 'tcp', '-j', 'ACCEPT']);
  await net.router.exec('iptables-nft', ['-A', 'FORWARD', '-p', 'icmp', '-j', 'DROP']);
  try {
    const { paths, dropped } = await traced(['--count', '1', '--proto', 'icmp'], pingOnce);
    expect(paths).toHaveLength(1);
    expect(hooks(paths[0])).toEqual(['prerouting', 'forward filter']);
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatch(/^10\.0\.0\.2 > 10\.0\.1\.2 icmp, 84 bytes: 1 at ip filter:FORWARD by rule 2: /);
  } finally {
    await net.router.exec('iptables-nft', ['-F', 'FORWARD']);
  }
});

it('reports that routing refuses it for its DF, or that a queue does not give it back', async () => {
  await forgetTables();
  await net.router.ip('link', 'set', 'eth1', 'mtu', '1400');
  try {
    const large = () => ping(net.client, SERVER, { size: 1472, count: 1, patience: 1 });
    const { paths, dropped } = await traced(['--count', '1'], large);
    expect(hooks(paths[0])).toEqual(['prerouting']);
    expect(dropped[0]).toMatch(/^10\.0\.0\.2 > 10\.0\.1\.2 icmp, 1500 bytes: 1 after ip prerouting, .*\(ip_forward\)$/);
    expect(dropped[1]).toContain('IpFragFails');
  } finally {
    await net.router.ip('link', 'set', 'eth1', 'mtu', '1500');
    await forgetPathMtu(net.client);
  }
  await net.router.exec('iptables-nft', ['-A', 'FORWARD', '-j', 'NFQUEUE', '--queue-num', '9']);
  try {
    const { seen, dropped } = await traced(['--count', '1'], pingOnce);
    expect(seen[0]).toMatch(/queue 9, no process has it bound: it is dropped there$/);
    expect(dropped[0]).toMatch(/1 after ip filter:FORWARD, .* never reinjected$/);
  } finally {
    await net.router.exec('iptables-nft', ['-F', 'FORWARD']);
  }
});

it('takes away what a killed one has left, and nothing else', async () => {
  const before = await rulesOfAll();
  const victim = await start(['--seconds', '600']);
  expect(await rulesOfAll()).not.toEqual(before);
  const second = await clearDf(net.router, FLOW);
  expect(second).toMatchObject({ exitCode: 5 });
  expect(second.stderr).toContain(`process ${victim.pid}`);
  await victim.stop('SIGKILL');

  const left = await rulesOfAll();
  const looking = await clearDf(net.router, [...FLOW, '--dry-run']);
  expect(looking.stderr).toContain('would remove leftovers of a killed trace');
  expect(await rulesOfAll()).toEqual(left);

  const next = await start(['--seconds', '600']);
  expect(next.stderr).toContain('removed leftovers of a killed trace');
  expect(await next.stop('SIGINT')).toMatchObject({ exitCode: 1 });
  expect(next.stdout).toContain('nothing of it was seen');
  expect(await rulesOfAll()).toEqual(before);
});

it('shows under dry run what it would add, and adds nothing', async () => {
  const before = await rulesOfAll();
  const { stdout, exitCode } = await clearDf(net.router, [...FLOW, '--dry-run']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('meta nftrace set 1');
  expect(await rulesOfAll()).toEqual(before);
});

it.each([
  [['trace', '--to', SERVER], /--from/],
  [['trace', '--from', 'here', '--to', SERVER], /--from.*'here'/],
  [[...FLOW, '--port', '53'], /--port.*--proto/],
  [[...FLOW, '--count', '0'], /--count.*'0'/],
])('refuses %j by name', async (args, words) => {
  const { exitCode, stderr } = await clearDf(net.router, args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(words);
});
