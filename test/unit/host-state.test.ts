/** Files of our own in /run/clear-df: whose they have to be, and locks by flock(2). */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock, waitForLock } from '../../src/host/lock.js';
import { readState, writeState } from '../../src/host/state.js';
import { OwnJournal, readDeadJournal } from '../../src/host/trace/journal.js';

const FOREIGN = 'someone else than root can have written it';
const NOBODY = 65_534;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-state-'));
  file = path.join(folder, 'run/rules.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a file of state', () => {
  it('is written whole, for its owner alone, in a folder that is made', () => {
    expect(readState(file)).toBeUndefined();
    writeState(file, 'one');
    writeState(file, 'two');
    expect(readState(file)).toBe('two');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(file))).toEqual(['rules.json']);
  });

  it.each<[string, () => void]>([
    ['is somebody else’s', () => chownSync(file, NOBODY, NOBODY)],
    ['others can write', () => chmodSync(file, 0o602)],
    ['its group can write', () => chmodSync(file, 0o620)],
    ['has a second name', () => linkSync(file, path.join(folder, 'other'))],
    ['is in a folder that others can write', () => chmodSync(path.dirname(file), 0o777)],
    ['is in somebody else’s folder', () => chownSync(path.dirname(file), NOBODY, NOBODY)],
  ])('that %s is not read', (_, spoil) => {
    writeState(file, 'one');
    spoil();
    expect(() => readState(file)).toThrow(FOREIGN);
  });

  it('is not written into a folder of another user, nor into one that a link leads to', () => {
    mkdirSync(path.dirname(file));
    chownSync(path.dirname(file), NOBODY, NOBODY);
    expect(() => writeState(file, 'one')).toThrow(FOREIGN);
    const real = path.join(folder, 'real');
    mkdirSync(real);
    symlinkSync(real, path.join(folder, 'link'));
    expect(() => writeState(path.join(folder, 'link/rules.json'), 'one')).toThrow(FOREIGN);
    expect(readdirSync(real)).toEqual([]);
  });

  it('that is a symbolic link is neither read nor written through', () => {
    const target = path.join(folder, 'target');
    writeFileSync(target, 'theirs');
    mkdirSync(path.dirname(file));
    symlinkSync(target, file);
    expect(() => readState(file)).toThrow('it is a symbolic link (ELOOP)');
    writeState(file, 'ours');
    expect([readFileSync(target, 'utf8'), readState(file)]).toEqual(['theirs', 'ours']);
  });

  it('of a trace is believed no more than any other', () => {
    OwnJournal.take(file).update({ logger: 'nf_log_syslog' });
    expect(readDeadJournal(file)?.logger).toBe('nf_log_syslog');
    chownSync(file, NOBODY, NOBODY);
    expect(() => readDeadJournal(file)).toThrow(FOREIGN);
  });
});

describe('a lock', () => {
  const options = () => ({ what: 'tunnel site', file: path.join(folder, 'run/tunnel.lock') });

  it('is held until it is released, and names who has it; nothing is left of it', () => {
    const lock = takeLock(options());
    expect(() => takeLock(options())).toThrow(`lock tunnel site: process ${process.pid} (`);
    lock.release();
    lock.release();
    expect(readdirSync(path.dirname(options().file))).toEqual([]);
    takeLock(options()).release();
  });

  it('is not made of what stands in its file', () => {
    mkdirSync(path.dirname(options().file));
    // A process that lives, as one in another namespace of pids may seem to.
    for (const text of [JSON.stringify({ pid: 1, command: 'init' }), 'half a li']) {
      writeFileSync(options().file, text, { mode: 0o600 });
      takeLock(options()).release();
    }
  });

  it('is kept by a command that was started under it, when whoever started it lets go', async () => {
    const lock = takeLock(options());
    const command = spawn('sh', ['-c', 'echo on; read -r _'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(command.stdout, 'data');
    lock.release();
    expect(() => takeLock(options())).toThrow('or a command that it has started, is changing it');
    const told: string[] = [];
    const waiting = waitForLock(options(), { limit: 60_000, tell: (words) => told.push(words) });
    command.stdin.end('\n');
    (await waiting).release();
    expect(told).toEqual([expect.stringMatching(/^waiting: lock tunnel site: process /)]);
  });

  it('that is not for commands is free although one of them runs', async () => {
    const lock = takeLock({ ...options(), inherit: false });
    const command = spawn('sh', ['-c', 'echo on; read -r _'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(command.stdout, 'data');
    lock.release();
    takeLock(options()).release();
    command.stdin.end('\n');
  });

  it('is waited for until the run is to end', async () => {
    const lock = takeLock(options());
    const waiting = waitForLock(options(), { limit: 60_000, stop: AbortSignal.abort('SIGTERM') });
    await expect(waiting).rejects.toMatchObject({ code: 'CONFLICT' });
    lock.release();
  });
});
