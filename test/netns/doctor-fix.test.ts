/**
 * `clear-df doctor --fix` on a machine with several things wrong.
 *
 *                 ┌──────── machine ────────┐
 *                 │ br0                     │
 *                 │  ├─ port0 ──────────────┼── eth0 host
 *                 │  └─ port1 ──────────────┼── eth1 host
 *                 └─────────────────────────┘
 *
 * Wrong on it: an ipfrag_max_dist of 4; an nft rule that writes identification 0; a queue rule with physdev, which sees
 * nothing while bridge-nf is off. To switch that on would have a FORWARD policy of DROP drop every bridged frame: so it
 * is taken back. And nobody holds queue 7, which is for a person to mend.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, commandOf, MAIN } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';

const CALL_IPTABLES = 'net.bridge.bridge-nf-call-iptables';
const MAX_DIST = 'net.ipv4.ipfrag_max_dist';
const PHYSDEV = ['-m', 'physdev', '--physdev-is-bridged', '--physdev-out', 'port1'];

let lab: Lab;
let machine: Namespace;

beforeEach(async () => {
  lab = await Lab.create();
  machine = await lab.namespace('machine');
  const host = await lab.namespace('host');
  await machine.ip('link', 'add', 'br0', 'type', 'bridge');
  for (const [dev, far] of [
    ['port0', 'eth0'],
    ['port1', 'eth1'],
  ] as const) {
    await lab.link({ at: machine, dev }, { at: host, dev: far });
    await machine.ip('link', 'set', dev, 'master', 'br0');
  }
  await machine.ip('link', 'set', 'br0', 'up');
  await machine.sysctl({ [MAX_DIST]: 4 });
  await machine.exec('nft', ['add table ip t; add chain ip t c { type filter hook output priority 0; }']);
  await machine.exec('nft', ['add rule ip t c udp dport 9 counter ip id set numgen inc mod 65536']);
});
afterEach(() => lab[Symbol.asyncDispose]());

/** All that could have been changed. */
async function state(): Promise<string> {
  const parts = [
    await machine.exec('sysctl', [MAX_DIST]),
    (await machine.try('sysctl', [CALL_IPTABLES])).stdout,
    await machine.exec('nft', ['-s', 'list', 'ruleset']),
  ];
  return parts.join('');
}

describe('doctor --fix', () => {
  it('mends what it can with --yes, and ends with 0', async () => {
    const { stdout, stderr, exitCode } = await clearDf(machine, ['doctor', '--fix', '--yes']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toContain('2 mended, 0 taken back, 0 failed, 0 declined, 0 still wrong\n');
    expect(await machine.exec('sysctl', ['-n', MAX_DIST])).toBe('64');
    expect(await machine.exec('nft', ['list', 'chain', 'ip', 't', 'c'])).toContain(
      'ip id set numgen random mod 4294967295',
    );
  });

  it('takes back what would drop frames, and goes on with the others', async (context) => {
    if ((await machine.try('sysctl', ['-n', CALL_IPTABLES])).exitCode !== 0) context.skip('kernel: no br_netfilter');
    await machine.sysctl({ [CALL_IPTABLES]: 0 });
    await machine.exec('iptables', ['-P', 'FORWARD', 'DROP']);
    const queue = ['-j', 'NFQUEUE', '--queue-num', '7', '--queue-bypass'];
    await machine.exec('iptables', ['-t', 'mangle', '-A', 'FORWARD', ...PHYSDEV, ...queue]);
    const { stdout, exitCode } = await clearDf(machine, ['doctor', '--fix', '--yes']);
    expect(stdout).toMatch(
      /^ {2}sysctl -w net\.bridge\.bridge-nf-call-iptables=1\n {2}taken back: it made something else wrong: br0 and FORWARD of iptables-\w+: bridge-nf is on/m,
    );
    expect(stdout).toContain('2 mended, 1 taken back, 0 failed, 0 declined, 2 still wrong\n');
    expect(stdout).toContain('fix: clear-df --queue 7\n');
    expect(exitCode).toBe(1);
    expect(await machine.exec('sysctl', ['-n', CALL_IPTABLES])).toBe('0');
    expect(await machine.exec('sysctl', ['-n', MAX_DIST])).toBe('64');
  });

  it('names a mend that fails, changes nothing by it, and goes on with the others', async () => {
    const tools = await lab.scratch();
    const refuses = '#!/bin/sh\necho "sysctl: setting key: Read-only file system" >&2\nexit 255\n';
    writeFileSync(path.join(tools, 'sysctl'), refuses, { mode: 0o755 });
    const [node, main] = commandOf(machine);
    const words = [`PATH=${tools}:${process.env['PATH']}`, node, main, 'doctor', '--fix', '--yes'];
    const { stdout, exitCode } = await machine.try('env', words);
    expect(stdout).toMatch(/^ {2}sysctl -w .*\n {2}failed: .*Read-only file system.*; nothing was changed$/m);
    expect(stdout).toContain('1 mended, 0 taken back, 1 failed, 0 declined, 1 still wrong\n');
    expect(exitCode).toBe(1);
    expect(await machine.exec('sysctl', ['-n', MAX_DIST])).toBe('4');
  });

  it('prints a script under --dry-run, which does the same, and changes nothing', async () => {
    const before = await state();
    const { stdout, exitCode } = await clearDf(machine, ['doctor', '--fix', '--dry-run']);
    expect(exitCode).toBe(0);
    expect(await state()).toBe(before);
    await machine.feed(stdout, 'sh', ['-e']);
    expect(await clearDf(machine, ['doctor'])).toMatchObject({ exitCode: 0 });
  });

  it('is refused where there is no terminal to ask at, and changes nothing', async () => {
    const before = await state();
    const { stdout, stderr, exitCode } = await clearDf(machine, ['doctor', '--fix']);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toContain('--fix: there is no terminal to ask at; add --yes, or --dry-run');
    expect(await state()).toBe(before);
  });

  it('is refused without rights', async () => {
    const args = ['-u', 'nobody', '--', process.execPath, MAIN, 'doctor', '--fix', '--yes'];
    const { stderr, exitCode } = await machine.try('runuser', args);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/mend this machine: this process does not have CAP_NET_ADMIN \(EPERM\)/);
  });
});
