/** What the mangler of a tunnel is started with, and what is said of a tunnel that cannot work. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endMangler } from '../../src/commands/tunnel/mangler.js';
import { manglerOptions } from '../../src/commands/tunnel/mangler-options.js';
import { identityOf } from '../../src/host/process.js';
import type { Journal } from '../../src/host/tunnel/journal.js';
import { silentLogger } from '../../src/log.js';
import { parseRuleSpec } from '../../src/rules/spec.js';
import { statusText } from '../../src/commands/tunnel/status.js';
import { site } from './tunnel-samples.js';

const rules = [parseRuleSpec({ name: 'site-a', hook: 'bridge', outDev: 'gretap1', queues: { first: 0, last: 0 } })];

describe('the mangler of a tunnel', () => {
  it('fails over a statistics address only where the file asks for one that is not the usual one', () => {
    const given = (metrics: string) =>
      manglerOptions(site({ metrics }), { rules, backend: 'iptables' }, 'info').given.metrics?.text;
    expect(given('127.0.0.1:9857')).toBeUndefined();
    expect(given('127.0.0.1:9858')).toBe('127.0.0.1:9858');
    expect(given('off')).toBe('off');
  });
});

describe('the end of a mangler', () => {
  it('is not waited for any longer when the command itself is to end', async () => {
    const deaf = spawn('sh', ['-c', 'trap "echo asked" TERM; echo ready; while :; do sleep 0.1; done']);
    try {
      await once(deaf.stdout, 'data');
      const journal = { name: 'site-a', mangler: identityOf(deaf.pid as number) } as Journal;
      const stop = new AbortController();
      const ending = endMangler(journal, silentLogger(), stop.signal);
      await once(deaf.stdout, 'data');
      stop.abort('SIGTERM');
      await expect(ending).rejects.toThrow('SIGTERM came while it was ending');
    } finally {
      deaf.kill('SIGKILL');
    }
  });
});

describe('the status of a tunnel', () => {
  it('reports what no item covers: that there is no route to the other end', () => {
    const item = { key: 'bridge br0', desired: 'there is a bridge br0', state: 'in-sync', ours: true } as const;
    const status = { name: 'site-a', file: 'site-a.yaml', engine: 'tunnel-flag', items: [item] };
    const line = '  ok         there is a bridge br0\n';
    expect(statusText({ ...status, ok: true })).toBe(`tunnel site-a, engine tunnel-flag: as planned\n${line}`);
    expect(statusText({ ...status, ok: false, problem: 'eth1 is down' })).toBe(
      `tunnel site-a, engine tunnel-flag: not as planned\n${line}  DIFFERS    the path to the other end: eth1 is down\n`,
    );
  });

  it('names who holds the socket of ESP in UDP', () => {
    const status = { name: 'site-a', file: 'site-a.yaml', engine: 'tunnel-flag', items: [] };
    const textOf = (holder: string, ok: boolean) =>
      statusText({ ...status, ok, socket: { address: '192.168.200.1:4500', holder, ok } });
    expect(textOf('process 7 (node)', true)).toContain('  ok         UDP socket 192.168.200.1:4500');
    expect(textOf('nobody', false)).toMatch(/ {2}DIFFERS {4}UDP socket .* is held by nobody\n$/);
  });

  it('does not call missing what it could not read', () => {
    const policy = {
      key: 'xfrm-policy out',
      desired: 'a policy',
      state: 'unknown',
      observed: 'only root can look',
    } as const;
    const unread = ['who holds queue 0: not readable', 'rules that feed it: not readable'];
    const mangler = { queues: [{ queue: 0, holder: 'unknown' }], rules: [], unread, ok: false };
    const status = { name: 'site-a', file: 'site-a.yaml', engine: 'nfqueue', ok: false };
    const text = statusText({ ...status, items: [{ ...policy, ours: false }], mangler });
    expect(text).toBe(
      'tunnel site-a, engine nfqueue: not known\n' +
        '  unknown    a policy: only root can look\n' +
        '  unknown    who holds queue 0: not readable\n' +
        '  unknown    rules that feed it: not readable\n',
    );
  });

  it('calls a tunnel that nothing has been done for not up', () => {
    const observed = 'there is no such device';
    const items = [
      { key: 'bridge br0', desired: 'there is a bridge br0', state: 'differs', observed, ours: false } as const,
    ];
    const status = { name: 'site-a', file: 'site-a.yaml', engine: 'tunnel-flag', items, ok: false };
    expect(statusText(status)).toBe(
      `tunnel site-a, engine tunnel-flag: not up\n  DIFFERS    there is a bridge br0: ${observed}\n`,
    );
  });
});
