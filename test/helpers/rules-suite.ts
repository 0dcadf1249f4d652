/**
 * What has to hold of `clear-df rules` with one backend beside 200 rules of other people; topology: rules-lab.ts.
 */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FOREIGN_COUNT } from './foreign-rules.js';
import { MORE } from './more.js';
import { install, type IPTABLES, LINES, NAMES, RULES, RulesLab } from './rules-lab.js';

const names = MORE ? NAMES : ['b', 'd_2'];

/** Declares the tests. */
export function besideOthers(backend: (typeof IPTABLES)[number]): void {
  describe(`${backend} beside rules of others`, () => {
    let on: RulesLab;

    beforeEach(async () => {
      on = await RulesLab.create();
    });

    afterEach(async () => {
      await on[Symbol.asyncDispose]();
    });

    it(`leaves ${FOREIGN_COUNT} rules of others byte for byte: install twice, remove once`, async () => {
      expect(FOREIGN_COUNT).toBe(200);
      await on.populate(backend);
      const before = await on.firewall();
      for (const name of names) {
        expect((await on.done(...install(name, backend))).stderr).toContain('installed');
      }
      const once = await on.firewall();
      const lines = (saved: Record<string, string>) => saved[`${backend}-save`]?.split('\n').length ?? 0;
      expect(lines(once) - lines(before)).toBe(names.reduce((sum, name) => sum + LINES[name]!, 0));
      expect(await on.callIptables()).toBe('1');
      for (const name of names) {
        expect((await on.done(...install(name, backend))).stderr).toContain('already there');
      }
      expect(await on.firewall()).toEqual(once);

      const half = names.length / 2;
      for (const name of names.slice(0, half)) await on.done('remove', '--name', name);
      const { rules: left } = JSON.parse((await on.done('show', '--json')).stdout) as { rules: { name: string }[] };
      expect(new Set(left.map((rule) => rule.name))).toEqual(new Set(names.slice(half)));
      for (const name of names.slice(half)) await on.done('remove', '--name', name);
      expect(await on.firewall()).toEqual(before);
      expect(await on.callIptables()).toBe('0');
      expect((await on.done('remove', '--name', 'a')).stderr).toContain('no rules of a');
    });

    it('replaces its own when asked for others, in one place', async () => {
      await on.populate(backend);
      await on.done(...install('a', backend));
      await on.done('install', '--name', 'a', '--queue', '9', '--hook', 'postrouting', '--backend', backend);
      expect((await on.done('show', '--name', 'nobody')).stderr).toContain('no rules of nobody');
      const lines = (await on.done('show', '--name', 'a')).stdout.trim().split('\n');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/-A POSTROUTING .*--queue-num 9/);
    });

    /** A script: the rules for the back end, and behind them a table of nft with what no iptables has. */
    async function expectAccepted(script: string): Promise<void> {
      const trial = script
        .replaceAll('-restore --noflush', '-restore --noflush --test')
        .replaceAll('nft -f', 'nft --check -f')
        .replace(/^sysctl .*$/m, '');
      expect(trial).toContain(`${backend}-restore --noflush --test`);
      expect(await on.feed(trial, 'sh', '-e')).toMatchObject({ exitCode: 0, stderr: '' });
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
  });
}
