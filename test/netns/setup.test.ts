/**
 * `clear-df setup` on a router, into a folder of the test's own: what is written, and that nothing is written where
 * something is wrong.
 *
 *   machine: lan0 ─ x0, wan0 ─ x1 (veth), the default route by wan0
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, MAIN } from '../helpers/clear-df.js';
import { variants } from '../helpers/more.js';
import type { Lab, Namespace } from '../helpers/netns.js';
import { plainRouter } from '../helpers/plain-router.js';

let lab: Lab;
let machine: Namespace;
let folder: string;

beforeEach(async () => {
  ({ lab, machine, folder } = await plainRouter());
});
afterEach(() => lab[Symbol.asyncDispose]());

const setup = (...args: string[]) => clearDf(machine, ['setup', '--output', folder, ...args]);
const PATH = ['--purpose', 'path', '--in-dev', 'lan0'];

describe('setup', () => {
  it('writes the options of a path, which a run takes; a second time nothing differs', async () => {
    const first = await setup(...PATH, '--yes');
    expect(first, first.stderr).toMatchObject({ exitCode: 0 });
    expect(readdirSync(folder)).toEqual(['clear-df.yaml']);
    const file = path.join(folder, 'clear-df.yaml');
    expect(readFileSync(file, 'utf8')).toContain('in-dev: lan0\nout-dev: wan0\n');
    // It has shown what the run itself shows.
    const shown = await clearDf(machine, ['run', '--config', file, '--dry-run']);
    expect(shown.exitCode).toBe(0);
    expect(first.stdout).toContain(shown.stdout);
    expect(await setup(...PATH, '--yes')).toMatchObject({ exitCode: 0 });
    expect(readdirSync(folder)).toEqual(['clear-df.yaml']);
  });

  it('writes nothing under --dry-run, and shows the same', async () => {
    const { stdout, exitCode } = await setup(...PATH, '--dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('-j NFQUEUE --queue-num 0');
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('leaves a file alone that has another text', async () => {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'clear-df.yaml'), 'queue: 9\n');
    const { stderr, exitCode } = await setup(...PATH, '--yes');
    expect(exitCode).toBe(5);
    expect(stderr).toContain('clear-df.yaml: it is there already, with another text (EEXIST)');
    expect(readFileSync(path.join(folder, 'clear-df.yaml'), 'utf8')).toBe('queue: 9\n');
  });

  it('leaves nothing behind on a full disk', async () => {
    mkdirSync(folder);
    // One page, and it is taken: a file more can be made, and has no room for a byte.
    const words = `mount -t tmpfs -o size=4k none ${folder} && head -c 4096 /dev/zero > ${folder}/full || true
      ${process.execPath} ${MAIN} setup --output ${folder} ${PATH.join(' ')} --yes; code=$?; echo left:; ls -A ${folder}; exit $code`;
    const { stdout, stderr, exitCode } = await machine.try('sh', ['-c', words]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/write file .*clear-df\.yaml: it cannot be written \(ENOSPC\)/);
    expect(stdout).toMatch(/\nleft:\nfull\n?$/);
  });

  it.each(
    variants<[string, string[], number, RegExp]>(
      ['without a terminal to ask at', [], 2, /there is no terminal to ask at/],
      [
        'without what only a person knows',
        ['--yes'],
        2,
        /--remote: it is missing; expected the IPv4 address of one host/,
      ],
      [
        'with a device that is not there',
        [...PATH, '--out-dev', 'wan9', '--yes'],
        2,
        /--out-dev: 'wan9' is not accepted/,
      ],
      ['with an answer to no question', [...PATH, '--remote', '192.0.2.9', '--yes'], 2, /--remote: '192.0.2.9' is not/],
    ),
  )('is refused %s, and writes nothing', async (_, args, code, words) => {
    const { stderr, exitCode } = await setup(...args);
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(words);
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('is refused at once where this user may not write', async () => {
    mkdirSync(folder);
    chmodSync(path.dirname(folder), 0o755);
    const args = ['-u', 'nobody', '--', process.execPath, MAIN, 'setup', '--output', folder, ...PATH, '--yes'];
    const { stdout, stderr, exitCode } = await machine.try('runuser', args);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 3 });
    expect(stderr).toMatch(/this user may not write there \(EACCES\)/);
  });
});
