/** How commands are started and what their endings mean. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRunner, KilledError } from '../../src/host/exec.js';
import { silentLogger } from '../../src/log.js';

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
    await expect(killed).rejects.toBeInstanceOf(KilledError);
  });

  it('that found the xtables lock held says so once, with a hint', async () => {
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
