/** How commands are started and what their endings mean. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { createRunner, NoAnswerError } from '../../src/host/exec.js';
import { silentLogger } from '../../src/log.js';
import { alive } from '../helpers/process-stat.js';
import { until } from '../helpers/until.js';

const runner = createRunner({ log: silentLogger() });

describe('a command', () => {
  it('leads a process group of its own, so that a Ctrl-C does not reach it', async () => {
    // Field 5 of proc_pid_stat(5) is the process group; the shell's name has no blanks.
    const [pid, group] = (await runner.query('sh', ['-c', 'read -r p _ _ _ g _ </proc/$$/stat; echo $p $g'])).split(
      /\s/,
    );
    expect(group).toBe(pid);
  });

  it('that a signal ended has given no verdict', async () => {
    const killed = runner.query('sh', ['-c', 'kill -INT $$; sleep 60']);
    await expect(killed).rejects.toThrow('killed by SIGINT');
    await expect(killed).rejects.toBeInstanceOf(NoAnswerError);
  });

  it('that a Ctrl-C ended before it led its group is started again, once', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-exec-'));
    try {
      const script = `echo >>${folder}/starts; [ $(wc -l <${folder}/starts) = 2 ] || kill -INT $$; echo done`;
      expect(await runner.change('sh', ['-c', script])).toBe('done\n');
      await expect(runner.change('sh', ['-c', script])).rejects.toThrow('killed by SIGINT');
      expect(readFileSync(path.join(folder, 'starts'), 'utf8')).toHaveLength(4);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that found the xtables lock held reports it once, with a hint', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-exec-'));
    try {
      const tool = path.join(folder, 'iptables-legacy-restore');
      const words = 'Another app is currently holding the xtables lock; still 4s 0us time ahead to have a chance';
      writeFileSync(tool, `#!/bin/sh\necho '${words}' >&2\necho '${words}' >&2\nexit 4\n`);
      chmodSync(tool, 0o755);
      await expect(runner.query(tool, [])).rejects.toMatchObject({
        reason: 'another program holds the xtables lock',
        hint: expect.stringContaining('/run/xtables.lock') as string,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a command that does not end', () => {
  /** As a wrapper that starts the real tool and waits for it: both have to go. */
  const HANGS = 'sleep 1000 & echo $!; wait';

  it('is ended with everything that it has started, at once when the run is to end', async () => {
    const stop = new AbortController();
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-exec-'));
    try {
      const file = path.join(folder, 'pid');
      const interruptible = createRunner({ log: silentLogger(), stop: stop.signal });
      const hanging = interruptible.query('sh', ['-c', `(${HANGS}) >${file}`]);
      const pid = await until('it has started another', () => Number(tryRead(file)) || undefined);
      stop.abort('SIGTERM');
      await expect(hanging).rejects.toThrow('because of SIGTERM');
      await expect(hanging).rejects.toBeInstanceOf(NoAnswerError);
      // It lets go of its pipes a moment before it has ended.
      await until('what it has started has ended', () => !alive(pid));
      // What puts things back comes after it, and runs.
      expect(await interruptible.change('echo', ['back'])).toBe('back\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has as long as those that come after it, where what has begun ends whole', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const stop = new AbortController();
      const whole = createRunner({ log: silentLogger(), stop: stop.signal, finishing: () => true });
      const [short, long] = [whole.change('sh', ['-c', 'sleep 0.2; echo well']), whole.change('sleep', ['1000'])];
      long.catch(() => undefined);
      stop.abort('SIGTERM');
      expect(await short).toBe('well\n');
      await vi.advanceTimersByTimeAsync(8000);
      vi.useRealTimers();
      await expect(long).rejects.toThrow('because of SIGTERM');
    } finally {
      vi.useRealTimers();
    }
  });

  it('is named while it is waited for, and ended at its limit, shorter when the run ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const said: string[] = [];
      const log = { debug: () => undefined, info: (words: string) => said.push(words) };
      const ending = createRunner({ log, stop: AbortSignal.abort('SIGTERM') }).query('sleep', ['1000']);
      ending.catch(() => undefined);
      await vi.advanceTimersByTimeAsync(1000);
      expect(said).toEqual(['waiting for sleep 1000, at most 8 s']);
      await vi.advanceTimersByTimeAsync(7000);
      vi.useRealTimers();
      await expect(ending).rejects.toThrow('no answer within 8 s');
    } finally {
      vi.useRealTimers();
    }
  });
});

it('without a descriptor free a command has given no answer, and a later one does', async () => {
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', 'test/helpers/short-of-descriptors.ts']);
  const why = 'this process has no file descriptor free';
  expect(JSON.parse(stdout)).toEqual({
    refused: { message: `run true: ${why} (EMFILE)`, noAnswer: true },
    unread: `trace with nft: ${why}`,
    then: 'well\n',
  });
});

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
