/** Programs that are started and ended in a group of their own, and those that are read from while they run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startChild } from '../../src/host/bench/child.js';
import { readNft } from '../../src/host/trace/reader.js';
import { alive, statOf } from '../helpers/process-stat.js';
import { until } from '../helpers/until.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-program-'));
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const PID = 'pid';
const SAYS = `echo $! >${PID}.new; mv ${PID}.new ${PID}`;

/** Puts a wrapper in the place of a tool. */
function wrapper(tool: string, script: string): void {
  writeFileSync(path.join(folder, tool), `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o755 });
}

/** The process that it has started, once it is there. */
function inside(): Promise<number> {
  return until('it has started another', () => {
    try {
      return Number(readFileSync(path.join(folder, PID), 'utf8')) || undefined;
    } catch {
      return undefined;
    }
  });
}

describe('a reader of trace', () => {
  const reading = (stop?: AbortSignal) => readNft(() => undefined, stop);

  it('ends with all that a wrapper has started', async () => {
    wrapper('nft', `sleep 1000 & ${SAYS}; wait`);
    const reader = reading();
    const pid = await inside();
    expect(await reader.stop()).toBeUndefined();
    await until('what it has started has ended', () => !alive(pid));
  });

  it('is not waited for when something that has left the group holds its pipes', async () => {
    wrapper('nft', `setsid sleep 1000 & ${SAYS}; wait`);
    const reader = reading();
    const pid = await inside();
    await until('it has left the group', () => statOf(pid)?.group === pid);
    try {
      expect(await reader.stop()).toBeUndefined();
      expect(alive(pid)).toBe(true);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  it('that does not listen is not waited for any longer when the trace is to end', async () => {
    wrapper('nft', `sleep 1000 & ${SAYS}; wait`);
    const stop = new AbortController();
    const reader = reading(stop.signal);
    await inside();
    stop.abort('SIGTERM');
    await expect(reader.ready).rejects.toThrow('SIGTERM came before it listened');
    await reader.stop();
  });
});

it('a program of the bench ends with all that a wrapper has started', async () => {
  wrapper('ip', `sleep 1000 & ${SAYS}; wait`);
  const { signal } = new AbortController();
  const child = startChild({ namespace: 'n', core: 0, name: 'it', signal }, []);
  const pid = await inside();
  await child.stop();
  await until('what it has started has ended', () => !alive(pid));
});
