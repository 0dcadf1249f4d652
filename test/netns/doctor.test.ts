/**
 * The doctor on a machine with several things wrong.
 *
 *                 ┌──────── machine ────────┐
 *                 │ br0 10.0.0.1  MTU 1500  │
 *                 │  ├─ port0 ──────────────┼── eth0 hop eth1 ─── (nobody)
 *                 │  └─ port1 (veth, free)  │  10.0.0.2   10.9.0.1
 *                 └─────────────────────────┘               MTU 1400
 *
 * Wrong on it: FORWARD drops while bridge-nf is on; a queue rule without bypass, and nobody holds queue 7; an nft rule
 * that writes identification 0; a path MTU of 1400 that it has learnt, behind its bridge, from the hop.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/doctor/finding.js';
import { MAIN, clearDf, startClearDf } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { learntPathMtu } from '../helpers/topology.js';
import { until } from '../helpers/until.js';

const BEYOND = '10.9.0.7';
const CALL_IPTABLES = 'net.bridge.bridge-nf-call-iptables';

let lab: Lab;
let machine: Namespace;
let hasBridgeNf = false;

beforeAll(async () => {
  lab = await Lab.create();
  machine = await lab.namespace('machine');
  const hop = await lab.namespace('hop');
  await machine.ip('link', 'add', 'br0', 'type', 'bridge');
  await lab.link({ at: machine, dev: 'port0' }, { at: hop, dev: 'eth0', address: '10.0.0.2/24' });
  await lab.link({ at: machine, dev: 'port1' }, { at: hop, dev: 'free' });
  await lab.link({ at: hop, dev: 'eth1', address: '10.9.0.1/24', mtu: 1400 }, { at: hop, dev: 'eth2', mtu: 1400 });
  for (const port of ['port0', 'port1']) await machine.ip('link', 'set', port, 'master', 'br0');
  await machine.ip('address', 'add', '10.0.0.1/24', 'dev', 'br0');
  await machine.ip('link', 'set', 'br0', 'up');
  await machine.ip('route', 'add', '10.9.0.0/24', 'via', '10.0.0.2');
  await hop.sysctl({ 'net.ipv4.ip_forward': 1 });
  hasBridgeNf = (await machine.try('sysctl', ['-n', CALL_IPTABLES])).exitCode === 0;
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

interface Seen {
  findings: Finding[];
  exitCode: number | undefined;
}

async function doctor(...args: string[]): Promise<Seen> {
  const { stdout, stderr, exitCode } = await clearDf(machine, ['doctor', '--json', ...args]);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as { findings: Finding[] }), exitCode };
}

/** The lines of a check that are wrong. */
function wrong({ findings }: Seen, check: string): Finding[] {
  return findings.filter((finding) => finding.check === check && finding.state === 'wrong');
}

/** Runs what the doctor says mends it, in the machine. */
async function mend({ fix }: Finding): Promise<void> {
  if (fix === undefined) throw new Error('there is no command that mends it');
  await machine.exec('sh', ['-c', fix]);
}

/** Namespaces of probes whose process has ended: those of a living one are another's, which runs beside this. */
const LEFT_BEHIND =
  'for name in /run/netns/clear-df-probe-*; do [ ! -e "$name" ] || [ -d "/proc/${name##*-}" ] || echo "$name"; done';

/** All that the doctor could have changed, as text; counters left out. */
async function state(): Promise<string> {
  const parts = await Promise.all([
    machine.ip('-d', 'link'),
    machine.ip('address'),
    machine.ip('route', 'show', 'table', 'all'),
    machine.ip('rule'),
    machine.exec('iptables-save'),
    machine.exec('iptables-legacy-save'),
    machine.exec('nft', ['-a', '-s', 'list', 'ruleset']),
    machine.exec('sysctl', ['-a', '--pattern', '^net\\.(bridge|core\\.rmem|ipv4\\.(ipfrag|conf|ip_forward))']),
    machine.exec('sh', ['-c', 'cat /proc/modules 2>/dev/null || true']),
    machine.exec('sh', ['-c', LEFT_BEHIND]),
  ]);
  // Time that runs on: bridge timers and the packet counts and dates of the saves.
  const running = /\b(\w+_timer|expires) +\S+|^#.*$|\[\d+:\d+\]|fq_codel.*|bridge_id \S+/gm;
  return parts.join('\n---\n').replace(running, '');
}

describe.sequential('clear-df doctor', () => {
  it('finds nothing wrong before anything is', async () => {
    const seen = await doctor();
    expect(seen.findings.filter((finding) => finding.state === 'wrong')).toEqual([]);
    expect(seen.exitCode).toBe(0);
    expect(seen.findings.length).toBeGreaterThan(25);
  });

  it('finds a queue that no process has bound, and its rule without bypass', async () => {
    await machine.exec('iptables', ['-t', 'mangle', '-A', 'OUTPUT', '-p', 'gre', '-j', 'NFQUEUE', '--queue-num', '7']);
    const seen = await doctor();
    expect(seen.exitCode).toBe(1);
    const [feed, ...others] = wrong(seen, 'feed');
    expect(others).toEqual([]);
    expect(feed).toMatchObject({ group: 'queue', fix: 'clear-df --queue 7' });
    expect(feed?.what).toMatch(/^iptables-(nft|legacy) mangle OUTPUT$/);
    expect(feed?.evidence).toMatch(/^feeds queue 7, which no process has bound: and the rule has no bypass/);

    const daemon = await startClearDf(machine, '7');
    const held = await doctor();
    expect(wrong(held, 'feed')).toEqual([]);
    const holder = held.findings.find(({ check, what }) => check === 'holder' && what === 'queue 7');
    expect(holder).toMatchObject({ state: 'ok' });
    expect(holder?.evidence).toMatch(/held by process \d+ \(clear-df/);
    expect(held.findings.find(({ check }) => check === 'losses')).toMatchObject({ state: 'ok' });
    await daemon.stop();
  });

  it('finds the rule that writes identification 0, and mends it', async () => {
    const ruleset = 'add table ip t; add chain ip t c { type filter hook output priority 0; }';
    await machine.exec('nft', [ruleset]);
    await machine.exec('nft', ['add rule ip t c udp dport 9 counter ip id set numgen random mod 65536']);
    const [trap, ...others] = wrong(await doctor(), 'nft-writes');
    expect(others).toEqual([]);
    expect(trap?.evidence).toContain('writes 0 into every packet');
    await mend(trap as Finding);
    expect(wrong(await doctor(), 'nft-writes')).toEqual([]);
    const listing = await machine.exec('nft', ['list', 'table', 'ip', 't']);
    expect(listing).toMatch(/udp dport 9 counter packets 0 bytes 0 ip id set numgen random mod 4294967295/);
    // Back to what was wrong, for the last test.
    await machine.exec('nft', ['add rule ip t c ip id set numgen random mod 65536']);
  });

  it('finds what path MTU discovery has learnt behind the bridge, and mends it', async () => {
    await poison();
    const [learnt, ...others] = wrong(await doctor(), 'pmtu-cache');
    expect(others).toEqual([]);
    expect(learnt).toMatchObject({ what: `path MTU to ${BEYOND}`, fix: 'ip route flush cache' });
    expect(learnt?.evidence).toMatch(/^learnt 1400 by br0, for \d+ s more: a host behind br0/);
    await mend(learnt as Finding);
    expect(wrong(await doctor(), 'pmtu-cache')).toEqual([]);
    await poison();
  });

  it('finds a FORWARD policy that drops bridged frames, and mends it', async (context) => {
    if (!hasBridgeNf) context.skip('kernel: no br_netfilter');
    await machine.sysctl({ [CALL_IPTABLES]: 1 });
    await machine.exec('iptables', ['-P', 'FORWARD', 'DROP']);
    const [policy, ...others] = wrong(await doctor(), 'forward-policy');
    expect(others).toEqual([]);
    expect(policy?.fix).toMatch(
      /^iptables-(nft|legacy) -I FORWARD -i br0 -o br0 -m physdev --physdev-is-bridged -j ACCEPT$/,
    );
    await machine.sysctl({ [CALL_IPTABLES]: 0 });
    expect(wrong(await doctor(), 'forward-policy')).toEqual([]);
    await machine.sysctl({ [CALL_IPTABLES]: 1 });
    await mend(policy as Finding);
    expect(wrong(await doctor(), 'forward-policy')).toEqual([]);
    const rule = ['-i', 'br0', '-o', 'br0', '-m', 'physdev', '--physdev-is-bridged', '-j', 'ACCEPT'];
    await machine.exec('iptables', ['-D', 'FORWARD', ...rule]);
  });

  it('prints for a person: one line each, and what mends it below', async () => {
    const { stdout, exitCode } = await clearDf(machine, ['doctor']);
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain('\x1b');
    const lines = stdout.split('\n');
    const at = lines.findIndex(
      (line) => line.startsWith('  wrong    iptables-') && line.includes('which no process has bound'),
    );
    expect(at).toBeGreaterThan(0);
    expect(lines[at + 1]).toBe('           fix: clear-df --queue 7');
    expect(lines.at(-1)).toMatch(/^[3-9] wrong, \d+ unknown, \d+ ok$/);
    expect(lines.filter((line) => line.startsWith('  ok  ')).length).toBeGreaterThan(15);
  });

  it('changes nothing', async () => {
    const before = await state();
    await doctor();
    expect(await state()).toBe(before);
  });

  it('answers a plain user with more unknown, and nothing wrong that is not', async () => {
    const args = ['-u', 'nobody', '--', process.execPath, MAIN, 'doctor', '--json'];
    const { stdout, stderr } = await machine.try('runuser', args);
    expect(stderr).toBe('');
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const unknown = (check: string) => findings.filter((one) => one.check === check).map((one) => one.state);
    expect(unknown('rights')).toEqual(['unknown']);
    expect(unknown('rules')).toContain('unknown');
    expect(unknown('nft-writes')).toEqual(['unknown']);
    // The learnt path MTU is there for everybody to see.
    expect(findings.filter(({ state: found }) => found === 'wrong').map(({ check }) => check)).toEqual(['pmtu-cache']);
  });

  it('refuses a site file that is not there, before it looks at anything', async () => {
    const { stdout, stderr, exitCode } = await clearDf(machine, ['doctor', '/nowhere/site.yaml']);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain("'/nowhere/site.yaml': there is no such file");
  });
});

/** Until the hop has answered a full-size packet, and the machine believes it. */
async function poison(): Promise<void> {
  await until('the machine has learnt a path MTU', async () => {
    await machine.try('ping', ['-c', '1', '-W', '1', '-M', 'do', '-s', '1472', BEYOND]);
    return (await learntPathMtu(machine, BEYOND)) === 1400;
  });
}
