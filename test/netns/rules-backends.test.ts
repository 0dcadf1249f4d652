/**
 * Which backend `clear-df rules` takes, what it leaves behind, nft, and what is refused; topology:
 * helpers/rules-lab.ts.
 */
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installText } from '../../src/rules/nft.js';
import { resolveRules } from '../../src/rules/resolve.js';
import { parseRuleSpec } from '../../src/rules/spec.js';
import { someOf } from '../helpers/more.js';
import { type Done } from '../helpers/netns.js';
import { install, RULES, RulesLab } from '../helpers/rules-lab.js';

let on: RulesLab;

beforeEach(async () => {
  on = await RulesLab.create();
});

afterEach(async () => {
  await on[Symbol.asyncDispose]();
});

describe('an empty firewall', () => {
  it('is empty again afterwards with iptables-nft', async () => {
    const before = await on.firewall();
    for (const name of ['a', 'b']) await on.done(...install(name, 'iptables-nft'));
    for (const name of ['a', 'b']) await on.done('remove', '--name', name);
    expect(await on.firewall()).toEqual(before);
    expect(before['nft']).toBe('');
  });

  it('keeps the mangle table of iptables-nft when someone else had made it', async () => {
    await on.r.exec('iptables-nft', ['-t', 'mangle', '-N', 'people']);
    const before = await on.firewall();
    await on.done(...install('a', 'iptables-nft'));
    await on.done('remove', '--name', 'a');
    expect((await on.firewall())['iptables-nft-save']).toBe(before['iptables-nft-save']);
  });

  it('keeps an empty mangle table with iptables-legacy, whose tables the kernel does not give back', async () => {
    await on.done(...install('a', 'iptables-legacy'));
    await on.done('remove', '--name', 'a');
    const { 'iptables-legacy-save': save } = await on.firewall();
    expect(save).toMatch(/^\*mangle\n(:[A-Z]+ ACCEPT \n)+COMMIT$/);
  });
});

describe('auto', () => {
  it('takes the backend that other people use', async () => {
    await on.populate('iptables-legacy');
    const { stderr } = await on.done('install', '--queue', '0');
    expect(stderr).toContain('in iptables-legacy (200 other rules are kept with it)');
  });

  it('moves rules of the same name out of the backend that held them', async () => {
    await on.done(...install('a', 'iptables-legacy'));
    expect((await on.done(...install('a', 'iptables-nft'))).stderr).toContain('moved here from iptables-legacy');
    const { stdout } = await on.done('show');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1]),
    ).toEqual(['iptables-nft']);
    expect((await on.done('install', '--name', 'a', '--queue', '1')).stderr).toContain('in iptables-nft (it holds');
  });
});

describe('nft', async () => {
  const check = (text: string) => execa('nft', ['--check', '-f', '-'], { input: text, reject: false });
  // By nft's own expression, or by the target of iptables, which any kernel with NFQUEUE has.
  const targets = await readFile('/proc/net/ip_tables_targets', 'utf8').catch(() => '');
  const expression = (await check('table ip q { chain c { queue num 0; }; }\n')).exitCode === 0;
  const queues = expression || /^NFQUEUE$/m.test(targets);
  const specs = [
    {},
    { forwarded: true, outDev: 'wan' },
    { hook: 'postrouting', proto: 'udp:4500', local: '10.2.0.254', outDev: 'wan' },
    { hook: 'bridge', outDev: 'p2', inDev: 'p1', largerThan: 1462, name: 'd-2' },
  ].map((asked) => parseRuleSpec({ queues: { first: 0, last: 3 }, ...asked }));

  it.each(specs.map((spec) => [spec.hook, spec] as const))(
    'accepts the %s rules but for the queue',
    async (_, spec) => {
      const text = installText(spec.name, resolveRules(spec, { mtu: 1000 }));
      const variant = text.replaceAll('queue num 0-3 bypass', 'accept');
      expect(variant).not.toBe(text);
      expect(await on.feed(variant, 'nft', '--check', '-f', '-')).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await on.feed(variant.replace('priority', 'prioritee'), 'nft', '--check', '-f', '-')).exitCode).not.toBe(
        0,
      );
    },
  );

  it('installs twice and removes once without a trace', async ({ skip }) => {
    if (!queues) skip('kernel: neither the nft queue expression nor the target NFQUEUE');
    await on.populate('iptables-nft');
    const before = await on.firewall();
    const names = someOf(['a', 'b', 'c-1']);
    for (const name of [...names, ...names]) await on.done(...install(name, 'nft'));
    const { stdout } = await on.done(...install('a', 'nft'), '--dry-run');
    // What it prints is for a shell; of that, nft only checks.
    expect(stdout).toContain('nft -f - <<');
    expect(await on.feed(stdout.replaceAll('nft -f -', 'nft --check -f -'), 'sh')).toMatchObject({ exitCode: 0 });
    for (const name of names) await on.done('remove', '--name', name);
    expect(await on.firewall()).toEqual(before);
  });
});

describe('refusals before anything changes', () => {
  it('name a device that does not exist and those that do', async () => {
    const refused = await on.rules('install', '--queue', '0', '--out-dev', 'wann');
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toMatch(/--out-dev wann: there is none; there are .*\bwan\b/);
  });

  it('name the missing right', async () => {
    const args = ['--bounding-set=-net_admin', '--inh-caps=-net_admin', process.execPath, ...RULES];
    for (const verb of [install('a', 'auto'), ['remove'], ['show']]) {
      const refused = await on.r.try('setpriv', [...args, ...verb]);
      expect(refused.exitCode).toBe(3);
      expect(refused.stderr).toContain('CAP_NET_ADMIN');
    }
  });

  it('name the package of a missing tool', async () => {
    const empty = await on.lab.scratch();
    const attempt = (backend: string): Promise<Done> => {
      const command = `${[process.execPath, ...RULES].join(' ')} install --queue 0 --backend ${backend}`;
      return on.r.try('unshare', ['--mount', 'sh', '-c', `mount --bind ${empty} /usr/sbin && ${command}`]);
    };
    for (const [backend, packages] of Object.entries({ nft: 'nftables', 'iptables-nft': 'iptables' })) {
      const refused = await attempt(backend);
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain('is not installed');
      expect(refused.stderr).toContain(`apt-get install ${packages}`);
    }
    expect((await attempt('auto')).stderr).toContain('apt-get install iptables nftables');
  });

  it('find the MTU of a route', async () => {
    await on.r.ip('route', 'add', '10.9.0.0/16', 'via', '10.2.0.1', 'mtu', '900');
    const printed = async (remote: string): Promise<string> => {
      const args = ['--queue', '0', '--remote', remote, '--larger-than', 'mtu', '--backend', 'iptables-nft'];
      return (await on.done('install', ...args, '--dry-run')).stdout;
    };
    expect(await printed('10.9.0.1')).toContain('! --length 0:900');
    expect(await printed('10.2.0.1')).toContain('! --length 0:1000');
    expect(await printed('10.1.0.1')).toContain('! --length 0:1500');
    const none = await on.rules('install', '--queue', '0', '--remote', '192.0.2.1', '--larger-than', 'mtu');
    expect(none.exitCode).toBe(4);
    expect(none.stderr).toContain('192.0.2.1');
  });
});
