/** The folder that `clear-df net write` writes to, which others write to as well; and names that come from outside. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { netDiff, netWrite } from '../../src/commands/net.js';
import { HUB, KEYED, MESH } from './net-samples.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-net-folder-'));
  file = path.join(folder, 'office.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(text: string): string {
  writeFileSync(file, text);
  return netWrite(file, { output: undefined, dryRun: false });
}
const diff = (more: { site?: string; against?: string } = {}) =>
  netDiff(file, { output: undefined, site: undefined, against: undefined, ...more });
const at = (...names: string[]) => path.join(folder, 'office', ...names);
const read = (...names: string[]) => readFileSync(at(...names), 'utf8');

it('counts sites in the order in which they are written, also where their names are numbers', () => {
  const sites = HUB.replace(/ {2}\w+: \{ local: '203[^]*/, '  20: { local: 203.0.113.1 }\n');
  const numbered = sites.replace('hub: main\n', 'hub: main\nengine: nfqueue\n');
  write(numbered);
  // Of the two that are there none has its place taken.
  expect(write(`${numbered}  3: { local: 203.0.113.2 }\n`)).toContain('2 written, 4 as before');
  expect(['north', '20', '3'].map((site) => /queue: (\d)\n/.exec(read('main', `office-${site}.yaml`))?.[1])).toEqual([
    undefined,
    '1',
    '2',
  ]);
});

it('writes one line about the file that a site comes from, whatever that is called', () => {
  file = path.join(folder, 'a\nengine: none');
  write(`name: office\n${MESH}`);
  expect(read('north', 'office.yaml')).toMatch(/^# .* Edit a\\x0aengine: none, not this file\.\n# clear-df-site/);
});

it('takes no notice of what is no site file, or none of this net', () => {
  write(MESH);
  mkdirSync(at('theirs', 'folder.yaml'), { recursive: true });
  writeFileSync(at('theirs', 'large.yaml'), ' '.repeat(2_000_000));
  writeFileSync(at('theirs', 'binary.yaml'), Buffer.from([0xff, 0xfe]));
  symlinkSync('loop.yaml', at('theirs', 'loop.yaml'));
  execFileSync('mkfifo', [at('theirs', 'pipe.yaml')]);
  expect(write(MESH)).toBe('0 written, 3 as before\n');
  expect(diff()).toBe('');
  expect(diff({ site: 'north', against: at('theirs') })).toMatch(/^--- \/dev\/null/);
});

it('is not written to a folder without a name, as a variable gives that is not set', () => {
  writeFileSync(file, MESH);
  expect(() => netWrite(file, { output: '', dryRun: true })).toThrow("--output: '' is not accepted");
});

describe('what another process writes at the same time', () => {
  /** Two sites with one folder: the second finds another file than was read. */
  beforeEach(() => {
    mkdirSync(at('north'), { recursive: true });
    symlinkSync('north', at('south'));
  });

  it.each([
    ['a site file', MESH, 'office.yaml'],
    ['a key', KEYED, 'office-south.keys'],
  ])('%s that is new is left, and nothing is written', (_, text, name) => {
    if (name.endsWith('.keys')) {
      rmSync(at('south'));
      mkdirSync(at('south'));
      symlinkSync('nowhere', at('south', name));
    }
    expect(() => write(text)).toThrow(
      expect.objectContaining({ code: 'CONFLICT', errno: 'EEXIST', object: at('south', name) }),
    );
    expect(existsSync(at('main'))).toBe(false);
    expect(existsSync(at('north', 'office.yaml'))).toBe(false);
  });

  it('a site file that is there is not overwritten, and the others are put back', () => {
    const before = '# Site north of net office, written by clear-df net.\n';
    writeFileSync(at('north', 'office.yaml'), before);
    expect(() => write(MESH)).toThrow('somebody else has changed it since it was read');
    expect(read('north', 'office.yaml')).toBe(before);
    expect(existsSync(at('main'))).toBe(false);
  });
});

it('a set is written whole, although the process is told to end', async () => {
  const module = path.resolve('src/host/undisturbed.ts');
  const program = `
    const { undisturbed } = await import(${JSON.stringify(module)});
    undisturbed(() => ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => process.kill(process.pid, signal)));
    process.stdout.write('done');
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.stdout.write('never'), 60_000);`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const ended = promisify(execFile)(process.execPath, args, { timeout: 180_000 });
  await expect(ended).rejects.toMatchObject({ signal: 'SIGTERM', stdout: 'done' });
});
