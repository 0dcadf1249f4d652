/** What a probe makes of failures that say nothing of the kernel; the namespace is one of canned answers. */
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { probeFastPath } from '../../src/host/probes/fast-path.js';
import { inPrivateNamespace, type PrivateNamespace } from '../../src/host/probes/namespace.js';
import type { Runner } from '../../src/host/exec.js';

const failing = (code: 'RUNTIME' | 'ENVIRONMENT' | 'PRIVILEGE', reason: string, errno?: string) => {
  const run = async () => {
    throw new ClearDfError({ code, operation: 'run', object: 'tc', reason, errno });
  };
  const namespace = { run } as unknown as PrivateNamespace;
  return { namespace, reason: '', runner: {} as Runner, modules: new Set<string>(), loadable: undefined };
};

describe('whether the fast path can be', () => {
  it.each([
    ['ENVIRONMENT', 'it is not installed', 'ENOENT'],
    ['RUNTIME', 'RTNETLINK answers: Cannot allocate memory', undefined],
    ['RUNTIME', 'no further process can be started', 'EAGAIN'],
    ['PRIVILEGE', 'RTNETLINK answers: Operation not permitted', undefined],
  ] as const)('is unknown after %s: %s', async (code, reason, errno) => {
    expect(await probeFastPath(failing(code, reason, errno))).toEqual({
      answer: 'unknown',
      evidence: `a clsact qdisc: ${reason}`,
    });
  });

  it('is no where the kernel says so', async () => {
    const reason = 'Error: Specified qdisc kind is unknown.';
    expect(await probeFastPath(failing('RUNTIME', reason))).toMatchObject({ answer: 'no' });
  });
});

describe('a private namespace', () => {
  it('is entered by ip and tc themselves, and by ip netns exec for others', async () => {
    const asked: string[] = [];
    const query = async (command: string, args: readonly string[]) => {
      asked.push([command, ...args].join(' '));
      return '';
    };
    const name = `clear-df-probe-${process.pid}`;
    await inPrivateNamespace({ query } as unknown as Runner, async (namespace) => {
      await namespace?.run('ip', ['link', 'set', 'lo', 'up']);
      await namespace?.run('tc', ['qdisc', 'add', 'dev', 'lo', 'clsact']);
      await namespace?.run('nft', ['-f', '-'], 'table ip t {}');
    });
    expect(asked).toEqual([
      `ip netns add ${name}`,
      `ip -n ${name} link set lo up`,
      `tc -n ${name} qdisc add dev lo clsact`,
      `ip netns exec ${name} nft -f -`,
      `ip netns delete ${name}`,
    ]);
  });
});
