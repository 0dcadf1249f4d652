/** The units, as systemd-analyze judges them. Whether clear-df lives with what they keep from it: netns/systemd.more.ts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queueUnit, tunnelTemplate, unitText } from '../../src/tunnel/unit-text.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { facts, site } from './tunnel-samples.js';

// It has to be there: systemd looks for the program.
const COMMAND = { node: process.execPath, script: '/usr/lib/clear-df/bin/clear-df.cjs' };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-units.'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each([
  ['clear-df.service', queueUnit(COMMAND), 2.0],
  ['clear-df-tunnel@.service', tunnelTemplate(COMMAND), 3.0],
  [
    'clear-df-site-a.service',
    unitText(planTunnel(site({ engine: 'nfqueue' }), facts()), { command: COMMAND, file: '/etc/a.yaml', fixed: true }),
    3.0,
  ],
] as const)('%s', (name, text, most) => {
  it('is taken by systemd, every line of it', async () => {
    const file = path.join(folder, name.replace('@', '@a'));
    writeFileSync(file, text);
    const { all, exitCode } = await execa('systemd-analyze', ['--man=no', 'verify', file], {
      all: true,
      reject: false,
    });
    expect({ all, exitCode }).toEqual({ all: '', exitCode: 0 });
  });

  it(`has an exposure of ${most} at most`, async () => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    const { stdout } = await execa('systemd-analyze', ['security', '--offline=yes', file], { reject: false });
    const found = /Overall exposure level for .*: (\d+\.\d)/.exec(stdout)?.[1];
    expect(Number(found), stdout).toBeLessThanOrEqual(most);
  });
});

it('waits for charon and the resolver, and starts charon for a tunnel with keys from IKE alone', () => {
  const template = tunnelTemplate(COMMAND);
  expect(template).toContain('\nWants=network-online.target\n');
  expect(template).toContain('\nAfter=network-online.target strongswan.service nss-lookup.target\n');
  const plan = planTunnel(site({ engine: 'nfqueue' }), facts());
  const options = { command: COMMAND, file: '/etc/a.yaml', fixed: true };
  expect(unitText(plan, options)).toContain('\nAfter=network-online.target\n');
  const named = { ...plan, site: { ...plan.site, lookedUp: [{ key: 'remote', value: 'b.example' }] } };
  expect(unitText(named, options)).toContain('\nAfter=network-online.target nss-lookup.target\n');
});

it('docs/running.md has the unit of the queue as it is', () => {
  const block = /```ini\n([^]*?)```/.exec(readFileSync('docs/running.md', 'utf8'))?.[1];
  const npm = { node: '/usr/bin/node', script: '/usr/local/lib/node_modules/clear-df/bin/clear-df.cjs' };
  expect(block).toBe(queueUnit(npm));
});
