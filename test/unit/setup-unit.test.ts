/** The unit among the files that `clear-df setup` writes; the machine and the tunnel's plan are canned. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setUp, type SetupPerson } from '../../src/commands/setup.js';
import { silentLogger } from '../../src/log.js';
import { link } from './tunnel-samples.js';

const UNIT = 'clear-df-site-a.service';
const canned = vi.hoisted(() => ({ unit: '[Unit]\n' }));
vi.mock('../../src/commands/tunnel.js', () => ({
  tunnelPlan: async () => ({ text: 'the plan\n', conflict: undefined }),
  tunnelUnit: async () => canned.unit,
  tunnelKeys: (file: string) => file,
}));
vi.mock('../../src/host/read/links.js', () => ({ readLinks: async () => ({ links: [link('lan0'), link('wan0')] }) }));
vi.mock('../../src/host/read/routes.js', () => ({
  readRoutes: async () => ({ routes: [{ destination: 'default', dev: 'wan0' }] }),
}));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, existsSync: (file: string) => file === '/run/systemd/system' || fs.existsSync(file) };
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'clear-df-setup-unit-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const person: SetupPerson = { answer: async () => undefined, agrees: async () => true, print: () => undefined };
const folder = () => path.join(root, 'clear-df');

const BRIDGE = {
  ...{ purpose: 'bridge', name: 'site-a', remote: '198.51.100.1', underlay: 'wan0', local: '192.0.2.1', port: 'lan0' },
  ...{ carrier: 'plain', unit: 'yes' },
};

function setup(given: Record<string, string> = BRIDGE): Promise<boolean> {
  const request = { given, folder: folder(), units: root, dryRun: false, command: { words: ['clear-df'] } };
  return setUp(request as unknown as Parameters<typeof setUp>[0], person, silentLogger());
}

describe('a unit', () => {
  it('is written, and the same one is left as it is', async () => {
    await setup();
    expect(readFileSync(path.join(root, UNIT), 'utf8')).toBe(canned.unit);
    await setup();
    expect(readdirSync(folder()).sort()).toEqual(['site-a.yaml', 'site-b.yaml']);
  });

  it('with another text stays, and nothing is written', async () => {
    writeFileSync(path.join(root, UNIT), '[Unit]\nDescription=of somebody\n');
    await expect(setup()).rejects.toMatchObject({ code: 'CONFLICT', object: path.join(root, UNIT) });
    expect(readFileSync(path.join(root, UNIT), 'utf8')).toContain('of somebody');
    expect(existsSync(folder())).toBe(false);
  });
});

describe('what stands where a file goes', () => {
  it.each<[string, (file: string) => unknown, RegExp]>([
    ['a folder', (file) => mkdirSync(file), /it is a directory.*EISDIR/],
    ['a pipe', (file) => execFileSync('mkfifo', [file]), /it is not a regular file/],
  ])('%s is refused, and not waited for', async (_, make, words) => {
    mkdirSync(folder());
    const file = path.join(folder(), 'site-b.yaml');
    make(file);
    await expect(setup()).rejects.toMatchObject({
      ...{ name: 'ClearDfError', object: `'${file}'` },
      message: expect.stringMatching(words) as string,
    });
    expect(readdirSync(folder())).toEqual(['site-b.yaml']);
  });
});

describe('a suggestion that would be refused', () => {
  it('is none: where nobody is asked, the answer is missing', async () => {
    await expect(setup({ purpose: 'path', 'in-dev': 'wan0' })).rejects.toMatchObject({
      ...{
        code: 'USAGE',
        object: '--out-dev',
        reason: expect.stringMatching(/^it is missing; expected a device/) as string,
      },
    });
  });
});

describe('the folder for temporary files', () => {
  it('is named when it is missing', async () => {
    vi.stubEnv('TMPDIR', path.join(root, 'nowhere'));
    await expect(setup().finally(() => vi.unstubAllEnvs())).rejects.toMatchObject({
      ...{ code: 'ENVIRONMENT', object: path.join(root, 'nowhere'), errno: 'ENOENT' },
      hint: expect.stringContaining('TMPDIR') as string,
    });
  });
});
