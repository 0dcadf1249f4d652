/**
 * Wrong site files: `clear-df tunnel up` refuses each before it changes anything, naming file, line and reason.
 *
 *   hosts ── eth0 [router] eth1 (192.168.200.1/24) ── 192.168.200.254 ── 172.16.0.1 (the other end)
 *                    └──── eth2 (203.0.113.2/24) ── 203.0.113.1 (default route)
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/errors.js';
import { clearDf } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { WRONG_KEY_FILES } from '../unit/tunnel-wrong-keys.js';
import { WRONG_SITES, type WrongSite } from '../unit/tunnel-wrong-sites.js';

let lab: Lab;
let router: Namespace;
let folder: string;
/** What the router was last seen as, while nothing but a refusal has come since. */
let seen: Record<string, string> | undefined;

async function makeRouter(): Promise<void> {
  seen = undefined;
  lab = await Lab.create();
  router = await lab.namespace('router');
  const others = await lab.namespace('others');
  await lab.link({ at: router, dev: 'eth0' }, { at: others, dev: 'a0' });
  await lab.link({ at: router, dev: 'eth1', address: '192.168.200.1/24' }, { at: others, dev: 'a1' });
  await lab.link({ at: router, dev: 'eth2', address: '203.0.113.2/24' }, { at: others, dev: 'a2' });
  await router.ip('route', 'add', '172.16.0.0/24', 'via', '192.168.200.254', 'dev', 'eth1');
  await router.ip('route', 'add', 'default', 'via', '203.0.113.1', 'dev', 'eth2');
  folder = path.join(await lab.scratch(), 'etc');
}

async function refuses({ text, line, key, words, code, keyFile, commands = [] }: WrongSite): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const file = path.join(folder, 'site-a.yaml');
  const resolved = keyFile === undefined ? text : text.replace(keyFile.name, path.join(folder, keyFile.name));
  writeFileSync(file, resolved);
  if (keyFile !== undefined) writeFileSync(path.join(folder, keyFile.name), keyFile.text, { mode: keyFile.mode });
  for (const [command = '', ...args] of commands) await router.exec(command, args);
  if (seen === undefined || commands.length > 0) seen = await routerText(router);

  const done = await clearDf(router, ['tunnel', 'up', file]);

  expect(done.exitCode, done.stderr).toBe(EXIT_CODES[code]);
  expect(done.stdout).toBe('');
  expect(done.stderr).toContain(`${file}:${line}${key === '' ? '' : ` ${key}`}`);
  let from = 0;
  for (const word of words) {
    const at = done.stderr.indexOf(word, from);
    expect(at, `'${word}' in: ${done.stderr}`).toBeGreaterThanOrEqual(0);
    from = at;
  }
  expect(await routerText(router)).toEqual(seen);
}

// One that has to make a gretap first is told in the lab: not every kernel that tests run on has them.
const needsGretap = ({ commands = [] }: WrongSite): boolean => commands.flat().includes('gretap');

const untouched = WRONG_SITES.filter((site) => site.commands === undefined);
const prepared = WRONG_SITES.filter((site) => site.commands !== undefined && !needsGretap(site));

// These leave the router as it is, which is what they prove: one is enough for all.
beforeAll(makeRouter);
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

it.each([...untouched, ...WRONG_KEY_FILES])('$title', refuses);

it.each(prepared)('$title (prepared)', async (site) => {
  const shared = lab;
  await makeRouter();
  try {
    await refuses(site);
  } finally {
    await lab[Symbol.asyncDispose]();
    lab = shared;
    seen = undefined;
  }
});

it('there are at least 15 of them', () => {
  expect(untouched.length + prepared.length + WRONG_KEY_FILES.length).toBeGreaterThanOrEqual(15);
});
