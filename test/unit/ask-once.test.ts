/** Runners that remember, over one that counts what it is asked. */
import { expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { askingOnce, tryingOnce } from '../../src/host/ask-once.js';
import type { Runner } from '../../src/host/exec.js';
import { isTrial } from '../../src/host/firewall.js';

function counting(fails?: ClearDfError['code']): { runner: Runner; asked: string[] } {
  const asked: string[] = [];
  const query: Runner['query'] = async (command, args, input = '') => {
    asked.push([command, ...args, input].join(' ').trim());
    if (fails !== undefined) throw new ClearDfError({ code: fails, operation: 'run', object: command, reason: 'no' });
    return String(asked.length);
  };
  return { runner: { dryRun: false, query, change: async () => '', effect: async () => undefined }, asked };
}

it('a question is asked once, another one too, and both again after a change', async () => {
  const { runner, asked } = counting();
  const once = askingOnce(runner);
  const links = () => once.query('ip', ['-j', 'link']);
  expect([await links(), await links(), await once.query('ip', ['-j', 'link'], 'x')]).toEqual(['1', '1', '2']);
  await once.change('ip', ['link', 'add']);
  expect(await links()).toBe('3');
  await once.effect('sysctl', () => undefined);
  expect(await links()).toBe('4');
  expect(asked).toEqual(['ip -j link', 'ip -j link x', 'ip -j link', 'ip -j link']);
});

it.each([
  ['ENVIRONMENT', 1],
  ['RUNTIME', 2],
  ['PRIVILEGE', 2],
] as const)('after a failure of kind %s two look-ups have asked %i times', async (code, times) => {
  const { runner, asked } = counting(code);
  const once = askingOnce(runner);
  for (let i = 0; i < 2; i += 1) await expect(once.query('nft', ['list'])).rejects.toThrow('no');
  expect(asked).toHaveLength(times);
});

it('trials are remembered from one runner to the next, other questions are not', async () => {
  const { runner, asked } = counting();
  const answers = new Map<string, Promise<string>>();
  for (let i = 0; i < 2; i += 1) {
    const trying = tryingOnce(runner, answers, isTrial);
    await trying.query('nft', ['--check', '-f', '-'], 'rules');
    await trying.query('iptables-nft-restore', ['--noflush', '--test'], 'rules');
    await trying.query('nft', ['-j', 'list', 'ruleset']);
  }
  expect(asked).toEqual([
    'nft --check -f - rules',
    'iptables-nft-restore --noflush --test rules',
    'nft -j list ruleset',
    'nft -j list ruleset',
  ]);
});
