/**
 * The files of a process that runs on are gone, as after an upgrade: what it has begun it can end.
 *
 *   router: lan0 ─ x0, wan0 ─ x1 (veth), the default route by wan0
 */
import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clearDf } from '../helpers/clear-df.js';
import { type Lab, type Namespace } from '../helpers/netns.js';
import { plainRouter } from '../helpers/plain-router.js';
import { routerText } from '../helpers/router-text.js';
import { PROJECT } from '../helpers/tools.js';

let lab: Lab;
let router: Namespace;
let scratch: string;
let installed: string;
let before: unknown;

beforeEach(async () => {
  ({ lab, machine: router } = await plainRouter());
  scratch = await lab.scratch();
  installed = path.join(scratch, 'installed');
  await execa('mkdir', [installed]);
  await execa('cp', [
    '-r',
    ...['bin', 'dist', 'build', 'package.json'].map((name) => path.join(PROJECT, name)),
    installed,
  ]);
  before = await routerText(router);
});
afterEach(() => lab[Symbol.asyncDispose]());

/** Starts what goes on, with a file of options, waits for its words, and takes its files away. */
async function startedAndReplaced(words: string[], up: RegExp, lines: readonly string[]) {
  const file = path.join(scratch, 'file.yaml');
  const write = (more: readonly string[]) => writeFile(file, more.map((line) => `${line}\n`).join(''));
  await write(lines);
  const running = router.spawn(process.execPath, [path.join(installed, 'bin/clear-df.cjs'), ...words, file]);
  await running.says(up);
  for (const name of ['bin', 'dist', 'build']) rmSync(path.join(installed, name), { recursive: true });
  return { running, write, file };
}

const RULES = ['queue: 0', 'install-rules: true', 'forwarded: true', 'in-dev: lan0', 'out-dev: wan0'];

it.each(['off', 'require'])('run, fast path %s: reloads, serves its page and ends', async (fast) => {
  const lines = [...RULES, `fast-path: ${fast}`];
  const { running, write } = await startedAndReplaced(['run', '--config'], /clear-df is running/, lines);
  const page = await router.exec('curl', ['-s', 'http://127.0.0.1:9857/']);
  expect(page).toContain('<html');
  await write([...lines, 'identification: sequential']);
  running.kill('SIGHUP');
  await running.says(/identification: sequential[^]*file read again/);
  await router.exec('sh', ['-c', 'iptables -t mangle -F; nft flush ruleset']);
  await running.says(/installed again/);
  expect(await running.stop('SIGTERM')).toMatchObject({ exitCode: 0 });
  expect(await routerText(router)).toEqual(before);
});

it('run: names what it can no longer load, and runs on', async () => {
  const lines = [...RULES, 'fast-path: off', 'metrics: off'];
  const { running, write } = await startedAndReplaced(['run', '--config'], /clear-df is running/, lines);
  await write([...RULES, 'fast-path: off']);
  running.kill('SIGHUP');
  await running.says(
    /not reloaded, running on as before: load [^ ]*: the file is gone: clear-df was upgraded or removed/,
  );
  expect(running.stderr).toContain('restart it');
  expect(await running.stop('SIGTERM')).toMatchObject({ exitCode: 0 });
});

it('tunnel up, with the queue: ends, and the new version takes the tunnel down', async () => {
  const lines = [
    ...['name: west', 'local: 192.0.2.1', 'remote: 192.0.2.254', 'underlay: wan0', 'tunnel: { type: vxlan }'],
    ...['bridge: { name: br0, ports: [lan0] }', 'engine: nfqueue', 'queue: 0'],
  ];
  const { running, file } = await startedAndReplaced(['tunnel', 'up'], /tunnel west is up/, lines);
  running.kill('SIGHUP');
  await running.says(/HUP|read again/);
  const { exitCode } = await running.stop('SIGTERM');
  expect(exitCode, running.stderr).toBe(0);
  const down = await clearDf(router, ['tunnel', 'down', file]);
  expect(down.exitCode, down.stderr).toBe(0);
  expect(await routerText(router)).toEqual(before);
});
