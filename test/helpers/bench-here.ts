/** `clear-df bench --here`, every measurement as short as it may be, and what it leaves on this host. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect } from 'vitest';
import { MAIN } from './clear-df.js';
import { localMachine } from './local-machine.js';
import { must } from './machine.js';
import { Running } from './running.js';
import { until } from './until.js';

export const SHORTEST = ['bench', '--here', '--seconds', '0.1'];
/** It takes two. */
export const ONE_CORE = availableParallelism() < 2;

let running: Running | undefined;

export function startBench(...more: string[]): Running {
  return (running = new Running(localMachine, [process.execPath, MAIN, ...SHORTEST, ...more]));
}

/** Ends the one that was started last, if it still runs. */
export function killBench(): void {
  running?.kill('SIGKILL');
}

/** Of this host, not of the bench's router. */
export async function hostRules(): Promise<string> {
  const tables = await Promise.all([
    must(localMachine, ['iptables', '-t', 'mangle', '-S']),
    must(localMachine, ['nft', '--stateless', 'list', 'ruleset']),
  ]);
  return tables.join('\n');
}

export function namespacesOf(pid: number): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`clear-df-bench-${pid}-`));
}

export async function processesIn(names: readonly string[]): Promise<number[]> {
  const listed = await Promise.all(names.map((name) => localMachine.run(['ip', 'netns', 'pids', name])));
  return listed.flatMap(({ stdout }) => stdout.split(/\s+/).filter(Boolean).map(Number));
}

export function isAlive(pid: number): boolean {
  return readdirSync('/proc').includes(String(pid));
}

/** Whether it is the bench's sender; false when it has ended meanwhile. */
export function isSender(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('send.js');
  } catch {
    return false;
  }
}

/**
 * Ends a bench once it has said `words` and has a process inside: no namespace, no process, no rule may be left of it.
 * @param seconds how long that process lives at least, unless it is clear-df
 */
export async function expectNothingLeft(signal: NodeJS.Signals, words: RegExp, seconds = '0.1'): Promise<void> {
  const before = await hostRules();
  const bench = startBench('--seconds', seconds);
  const { pid } = bench;
  await bench.says(words);
  const inside = await until('it has a process inside', async () => {
    const found = await processesIn(namespacesOf(pid));
    return found.length > 0 && found;
  });
  expect(await bench.stop(signal)).toEqual({ exitCode: 1, signal: undefined });
  expect(bench.stderr).toContain(`stopped by ${signal}`);
  expect(bench.stdout).toBe('');
  expect(namespacesOf(pid)).toEqual([]);
  expect(inside.filter(isAlive)).toEqual([]);
  expect(await hostRules()).toBe(before);
}
