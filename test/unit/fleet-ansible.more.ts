/** The playbook of `fleet/ansible`, as Debian's ansible-core reads it; what it writes, as clear-df reads it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
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

/** Stands in for systemctl(1): notes what is asked of it, and which units run. */
const SYSTEMCTL = `#!/bin/bash
for word; do case $word in -*) ;; *) words+=("$word") ;; esac; done
verb=\${words[0]} unit=\${words[1]}
case $verb in
show) echo LoadState=loaded; [ -e "$STATE/$unit" ] && echo ActiveState=active || echo ActiveState=inactive ;;
is-enabled) echo enabled ;;
is-active) [ -e "$STATE/$unit" ] && echo active ;;
start | restart | reload) touch "$STATE/$unit"; echo "$verb $unit" >>"$STATE/asked" ;;
esac
`;
/** Stands in for clear-df of a tunnel whose keys come from IKE: none are there before every router is set up. */
const TUNNEL = `#!/bin/bash
case "$*" in
*' status '*)
  [ -e "$STATE/clear-df-tunnel@west" ] || { echo '{"ok":false}'; exit 1; }
  [ -e "$STATE/clear-df-tunnel@east" ] || { echo '{"ok":false,"ike":{"ok":false}}'; exit 1; } ;;
run*) exec "$NODE" ${process.cwd()}/bin/clear-df.cjs "$@" ;;
esac
`;

/** Plays for routers that are this machine, whose /etc is a copy; @returns what was asked of systemd, and the end. */
async function play(routers: Record<string, object>) {
  const [bin, state, inventory] = ['bin', 'state', 'inventory.json'].map((name) => path.join(scratch, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(bin, { recursive: true });
  mkdirSync(state, { recursive: true });
  writeFileSync(path.join(bin, 'systemctl'), SYSTEMCTL, { mode: 0o755 });
  writeFileSync(path.join(bin, 'clear-df'), TUNNEL, { mode: 0o755 });
  writeFileSync(path.join(state, 'asked'), '');
  const vars = { ansible_connection: 'local' };
  writeFileSync(inventory, stringify({ clear_df: { vars, hosts: routers } }));
  const etc = path.join(scratch, 'etc');
  const script = `[ -d ${etc} ] || cp -a /etc ${etc}; mount --bind ${etc} /etc; mkdir -p /etc/clear-df
    exec ansible-playbook -i ${inventory} clear-df.yaml`;
  const env = { HOME: scratch, STATE: state, NODE: process.execPath, PATH: `${bin}:${process.env['PATH']}` };
  const { exitCode, stdout } = await execa('unshare', ['--mount', '--net', 'bash', '-ec', script], {
    cwd: FOLDER,
    env,
    reject: false,
  });
  return { exitCode, stdout, asked: readFileSync(path.join(state, 'asked'), 'utf8').trim().split('\n') };
}

it('restarts for what a running one cannot take, reloads for the rest, and keeps a file that is not accepted away', async () => {
  const with_ = (options: object) => play({ edge: { clear_df_options: options } });
  // Not quoted, off is false in Ansible's YAML.
  const options = { queue: '0:3', 'fast-path': false, metrics: false, gso: true };
  expect(await with_(options)).toMatchObject({ exitCode: 0, asked: ['start clear-df', 'reload clear-df'] });
  expect(await with_(options)).toMatchObject({ exitCode: 0, asked: [''] });
  expect(await with_({ ...options, identification: 'keep' })).toMatchObject({ asked: ['reload clear-df'] });
  expect(await with_({ ...options, queue: '0:7' })).toMatchObject({ asked: ['restart clear-df'] });
  const refused = await with_({ ...options, queu: '0:7' });
  expect(refused).toMatchObject({ exitCode: 2, asked: [''] });
  expect(refused.stdout).toContain("did you mean 'queue'?");
  expect(readFileSync(path.join(scratch, 'etc/clear-df/clear-df.yaml'), 'utf8')).not.toContain('queu:');
});

it('lets those read the statistics that the inventory names, one or several, and nobody once it names none', async () => {
  const file = path.join(scratch, 'etc/systemd/system/clear-df.service.d/metrics.conf');
  const options = { queue: '0:7', 'fast-path': false };
  const from = (names: object) => play({ edge: { clear_df_options: options, ...names } });
  await from({ clear_df_metrics_from: '192.0.2.100' });
  expect(readFileSync(file, 'utf8')).toMatch(/^IPAddressAllow=192\.0\.2\.100$/m);
  const { asked } = await from({ clear_df_metrics_from: ['192.0.2.100', '2001:db8::/64'] });
  expect(readFileSync(file, 'utf8')).toMatch(/^IPAddressAllow=192\.0\.2\.100 2001:db8::\/64$/m);
  expect(asked).toEqual(['restart clear-df']);
  expect((await from({})).asked).toEqual(['restart clear-df']);
  expect(existsSync(file)).toBe(false);
});

it('sets up both ends of a tunnel before it asks for keys from IKE', async () => {
  const tunnel = (name: string) => ({ clear_df_tunnels: { [name]: { underlay: 'eth1', metrics: false } } });
  const { exitCode, asked, stdout } = await play({ a: tunnel('west'), b: tunnel('east') });
  expect({ exitCode, asked }, stdout).toEqual({
    exitCode: 0,
    asked: ['start clear-df-tunnel@west', 'start clear-df-tunnel@east'],
  });
  expect(readFileSync(path.join(scratch, 'etc/clear-df/west.yaml'), 'utf8')).toMatch(/^metrics: 'off'$/m);
});
