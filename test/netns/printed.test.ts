/** A page of words on standard output: no namespace, no topology; the command alone, and whoever reads it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/errors.js';
import { MAIN } from '../helpers/clear-df.js';
import { until } from '../helpers/until.js';

describe('a page of words', () => {
  /** The command, which prints to an open file. */
  const printed = (stdout: number, ...args: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', stdout, 'pipe'] });
    return Promise.all([text(child.stderr as Readable), once(child, 'exit')]).then(([stderr, [exitCode]]) => ({
      exitCode: exitCode as number | null,
      stderr,
    }));
  };
  const help = async () => (await execa(process.execPath, [MAIN, '--help'])).stdout;
  /** A FIFO that is open at both ends and never waits. */
  const fifo = async (folder: string) => {
    const file = path.join(folder, 'fifo');
    await execa('mkfifo', [file]);
    return openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  };

  it.each(['--help', '--version'])('%s: a full disk is named', async (word) => {
    const full = openSync('/dev/full', 'w');
    const { exitCode, stderr } = await printed(full, word);
    closeSync(full);
    expect({ exitCode, stderr }).toEqual({
      exitCode: EXIT_CODES.RUNTIME,
      stderr: expect.stringMatching(/^clear-df: write standard output: no space left on device \(ENOSPC\)$/m) as string,
    });
  });

  it.each(['--help', '--version'])('%s: a reader who has gone is not missed', async (word) => {
    const { exitCode, stdout, stderr } = await execa(
      'sh',
      ['-c', 'exec 3>&1; { "$0" "$@"; echo "$?" >&3; } | true', process.execPath, MAIN, word],
      { reject: false },
    );
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '0', stderr: '' });
  });

  it('waits for a reader who is slow, and comes whole', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-page-'));
    const pipe = await fifo(folder);
    try {
      const chunk = Buffer.alloc(4096, '.');
      let waiting = 0;
      expect(() => {
        for (;;) waiting += writeSync(pipe, chunk);
      }).toThrow(/EAGAIN/);
      const page = await help();
      const whole = printed(pipe, '--help');
      let read = '';
      await until('all of it has come', () => {
        try {
          const bytes = Buffer.alloc(4096);
          read += bytes.subarray(0, readSync(pipe, bytes)).toString();
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        }
        return read.endsWith(`${page}\n`);
      });
      expect(read.length).toBe(waiting + page.length + 1);
      expect((await whole).exitCode).toBe(0);
    } finally {
      closeSync(pipe);
      rmSync(folder, { recursive: true });
    }
  });

  it('is as wide as the terminal', async () => {
    const command = `stty cols 80; '${process.execPath}' '${MAIN}' --help`;
    const { stdout } = await execa('script', ['-qec', command, '/dev/null'], { stdin: 'ignore' });
    const commands = stdout.slice(stdout.indexOf('Commands:'), stdout.indexOf('Examples:')).split(/\r?\n/);
    expect(commands.length).toBeGreaterThan(20);
    expect(Math.max(...commands.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(await help()).toContain('many sites from one YAML file: what becomes of a packet,');
  });
});

describe('colour', () => {
  it.each([
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{}, false],
  ])('%j, into a pipe: %j', async (env, coloured) => {
    const wanted = { env, extendEnv: false, reject: false };
    const { stdout } = await execa(process.execPath, [MAIN, 'doctor'], wanted);
    expect(stdout).toMatch(/\d+ ok/);
    expect(stdout.includes('\u001b[')).toBe(coloured);
  });
});
