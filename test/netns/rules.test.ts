/**
 * `clear-df rules` on this kernel's iptables, legacy and nft variant; topology: helpers/rules-lab.ts.
 * Counters of the rules tell what matched: nothing listens on the queues, so packets go on by bypass.
 */
import { execa } from 'execa';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FOREIGN_COUNT } from '../helpers/foreign-rules.js';
import { install, IPTABLES, NAMES, RULES, RulesLab } from '../helpers/rules-lab.js';

let on: RulesLab;

beforeEach(async () => {
  on = await RulesLab.create();
});

afterEach(async () => {
  await on[Symbol.asyncDispose]();
});

describe.each(IPTABLES)('%s', (backend) => {
  it(`leaves ${FOREIGN_COUNT} rules of others byte for byte: install twice, remove once`, async () => {
    expect(FOREIGN_COUNT).toBe(200);
    await on.populate(backend);
    const before = await on.firewall();
    for (const name of NAMES) {
      expect((await on.done(...install(name, backend))).stderr).toContain('installed');
    }
    const once = await on.firewall();
    expect(once[`${backend}-save`]?.split('\n').length).toBe(before[`${backend}-save`]!.split('\n').length + 6);
    expect(await on.callIptables()).toBe('1');
    for (const name of NAMES) {
      expect((await on.done(...install(name, backend))).stderr).toContain('already there');
    }
    expect(await on.firewall()).toEqual(once);

    const names = NAMES;
    for (const [i, name] of names.entries()) {
      await on.done('remove', '--name', name);
      const { rules: left } = JSON.parse((await on.done('show', '--json')).stdout) as { rules: { name: string }[] };
      expect(new Set(left.map((rule) => rule.name))).toEqual(new Set(names.slice(i + 1)));
    }
    expect(await on.firewall()).toEqual(before);
    expect(await on.callIptables()).toBe('0');
    expect((await on.done('remove', '--name', 'a')).stderr).toContain('no rules of a');
  });

  it('replaces its own when asked for others, in one place', async () => {
    await on.populate(backend);
    await on.done(...install('a', backend));
    await on.done('install', '--name', 'a', '--queue', '9', '--hook', 'postrouting', '--backend', backend);
    const lines = (await on.done('show', '--name', 'a')).stdout.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/-A POSTROUTING .*--queue-num 9/);
  });

  /** Rules that no iptables has stand in a table of nft, behind those of the back end. */
  async function expectAccepted(stdout: string): Promise<void> {
    const [rules = '', table] = stdout.split(/^(?=add table )/m);
    const accepted = { exitCode: 0, stderr: '' };
    expect(await on.feed(rules, `${backend}-restore`, '--noflush', '--test')).toMatchObject(accepted);
    if (table !== undefined) expect(await on.feed(table, 'nft', '--check', '-f', '-')).toMatchObject(accepted);
  }

  it('--dry-run prints what the restore tools accept, and changes nothing', async () => {
    await on.populate(backend);
    const before = await on.firewall();
    for (const name of NAMES) {
      const { stdout } = await on.done(...install(name, backend), '--dry-run');
      expect(stdout).toContain(`clear-df:${name}`);
      await expectAccepted(stdout);
    }
    expect(await on.firewall()).toEqual(before);
    expect(await on.callIptables()).toBe('0');
    await on.done(...install('a', backend));
    const removal = await on.done('remove', '--name', 'a', '--dry-run');
    await expectAccepted(removal.stdout);
    expect(await on.matched(backend, 'a')).toHaveLength(1);
  });

  it('echoes at debug level what a person can replay', async () => {
    const { stderr } = await on.done(...install('d_2', backend), '--log-level', 'debug');
    const said = stderr.split('\n').filter(Boolean);
    const messages = said.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages[0]).toBe('sysctl -w net/bridge/bridge-nf-call-iptables=1');
    await on.done('remove', '--name', 'd_2');
    for (const message of messages.slice(0, 2)) expect(await on.feed(message, 'sh')).toMatchObject({ exitCode: 0 });
    expect(await on.matched(backend, 'd_2')).toHaveLength(1);
    expect(await on.callIptables()).toBe('1');
  });

  it('leaves nothing when the transaction fails half-way', async () => {
    await on.populate(backend);
    const before = await on.firewall();
    // A restore tool that tries, behind our lines, to delete a rule that does not exist.
    const bin = await on.lab.scratch();
    const tool = path.join(bin, `${backend}-restore`);
    await writeFile(
      tool,
      `#!/bin/sh
case "$*" in *--test*) exec /usr/sbin/${backend}-restore "$@" ;; esac
sed 's/^COMMIT/-D OUTPUT -s 203.0.113.9 -j ACCEPT\\nCOMMIT/' | /usr/sbin/${backend}-restore "$@"
`,
    );
    await chmod(tool, 0o755);
    const args = [...RULES, ...install('d_2', backend)];
    const failed = await on.r.try(process.execPath, args, undefined, { PATH: `${bin}:${process.env['PATH']}` });
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain(`run ${backend}-restore`);
    expect(await on.firewall()).toEqual(before);
    expect(await on.callIptables()).toBe('0');
  });

  it('matches DF-set packets that this host sends, and no others', async () => {
    await on.done('install', '--queue', '0', '--proto', 'all', '--larger-than', '500', '--backend', backend);
    const ping = (...args: string[]): Promise<string> => on.r.exec('ping', ['-i', '0.01', '-W', '5', ...args]);
    await ping('-c', '3', '-M', 'do', '-s', '600', '10.2.0.1');
    await ping('-c', '4', '-M', 'dont', '-s', '600', '10.2.0.1');
    await ping('-c', '5', '-M', 'do', '-s', '472', '10.2.0.1'); // 500 bytes with both headers: not longer
    await ping('-c', '6', '-M', 'do', '-s', '600', '10.2.0.254'); // this host itself
    expect(await on.matched(backend, 'default')).toEqual([3]);
  });

  it('matches forwarded packets that do not fit, but not QUIC and not what is for this host', async () => {
    await on.done(...install('b', backend));
    const send = (port: number, count: number): Promise<unknown> =>
      execa('ip', [
        'netns',
        'exec',
        on.h.name,
        '/usr/bin/python3',
        '-c',
        SENDER,
        '10.2.0.1',
        String(port),
        String(count),
      ]);
    await execa('ip', ['netns', 'exec', on.h.name, 'ping', '-c', '2', '-M', 'do', '-s', '1100', '10.1.0.254']); // for r
    await execa(
      'ip',
      ['netns', 'exec', on.h.name, 'ping', '-c', '1', '-W', '1', '-M', 'do', '-s', '1100', '10.2.0.1'],
      {
        reject: false, // 1128 bytes do not fit 1000; nothing clears DF here
      },
    );
    await send(443, 4);
    await send(4433, 5);
    // Rules in order: other protocols (1 ping), UDP but QUIC (5), later fragments of UDP (none sent).
    expect(await on.matched(backend, 'b')).toEqual([1, 5, 0]);
  });

  it('matches frames bridged towards the port, and none that go the other way', async () => {
    await on.done('install', '--queue', '6', '--hook', 'bridge', '--out-dev', 'p2', '--backend', backend);
    const ping = (...args: string[]) =>
      execa('ip', ['netns', 'exec', on.h.name, 'ping', '-i', '0.01', ...args, '10.3.0.2']);
    await ping('-c', '3', '-M', 'do'); // echo replies come back with DF clear or set, by p1
    await ping('-c', '4', '-M', 'dont');
    expect(await on.matched(backend, 'default')).toEqual([3]);
  });
});

/** UDP datagrams of 1200 bytes with DF set (IP_MTU_DISCOVER 10 = IP_PMTUDISC_PROBE 3). */
const SENDER = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 3)
for _ in range(int(sys.argv[3])):
    s.sendto(bytes(1200), (sys.argv[1], int(sys.argv[2])))
`;
