/** The playbook of `fleet/ansible`, as Debian's ansible-core reads it; what it writes, as clear-df reads it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfigFile } from '../../src/commands/config-file.js';
import { readOptions } from '../../src/commands/options.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { install } from '../helpers/debian-packages.js';
import { patient } from '../helpers/slowness.js';

const FOLDER = 'fleet/ansible';

interface Router {
  clear_df_tunnels?: Record<string, object>;
  clear_df_options?: object;
}

let scratch: string;
const { clear_df: group } = parse(readFileSync(path.join(FOLDER, 'inventory.example.yaml'), 'utf8')) as {
  clear_df: { hosts: Record<string, Router> };
};

beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'clear-df-ansible-'));
  await install('ansible-core');
}, patient(300_000));

afterAll(() => rmSync(scratch, { recursive: true }));

/** A template with these variables, as ansible writes it. */
async function rendered(template: string, variables: object): Promise<{ file: string; text: string }> {
  const file = path.join(scratch, 'rendered.yaml');
  const args = `src=templates/${template} dest=${file}`;
  const words = [
    'localhost',
    '-c',
    'local',
    '-m',
    'ansible.builtin.template',
    '-a',
    args,
    '-e',
    JSON.stringify(variables),
  ];
  await execa('ansible', words, { cwd: FOLDER, env: { HOME: scratch } });
  return { file, text: readFileSync(file, 'utf8') };
}

it('the playbook is accepted, and is for every router of the example', async () => {
  const args = ['-i', 'inventory.example.yaml', 'clear-df.yaml'];
  const options = { cwd: FOLDER, env: { HOME: scratch } };
  await execa('ansible-playbook', [...args, '--syntax-check'], options);
  const { stdout } = await execa('ansible-playbook', [...args, '--list-hosts'], options);
  for (const host of Object.keys(group.hosts)) expect(stdout).toContain(host);
});

it('writes site files and options that clear-df takes', async () => {
  for (const router of Object.values(group.hosts)) {
    for (const [key, value] of Object.entries(router.clear_df_tunnels ?? {})) {
      const { file, text } = await rendered('site.yaml.j2', { item: { key, value } });
      expect(parseSite(text, file)).toMatchObject({ underlay: 'eth1' });
    }
    if (router.clear_df_options !== undefined) {
      const { file } = await rendered('options.yaml.j2', router);
      expect(readOptions(readConfigFile(file))).toMatchObject({ queue: { first: 0, last: 3 } });
    }
  }
});
