/**
 * Every block of README, CONTRIBUTING and docs/: run, read by what reads it, or named in doc-table.ts with the test that
 * shows it. Blocks are run line by line, as printed, with `clear-df` in the PATH:
 *
 *   [router] br0: eth0, gretap1 (a veth: what is shown needs a port of that name)
 *            eth1 192.168.200.1/24, lan0, wan0           their other ends are in [others]
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draftOf } from '../../src/host/tunnel/locate.js';
import { parseConfigText } from '../../src/commands/config-file.js';
import { parseNet } from '../../src/tunnel/net/net-file.js';
import { netText } from '../../src/tunnel/net/sizes.js';
import { openEnds } from '../../src/tunnel/site/open-ends.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { blocksOf, docBlocks, ROOT, typedLines } from './doc-blocks.js';
import { DOC_TABLE, LINES_ELSEWHERE } from './doc-table.js';

const BLOCKS = docBlocks();
const named = BLOCKS.map((block) => ({
  ...block,
  title: `${block.file}:${block.line}`,
  entries: DOC_TABLE.filter(({ file, has }) => file === block.file && block.text.includes(has)),
}));
const shownAs = (shown: string) => named.filter(({ entries }) => entries.some((entry) => entry.shown === shown));
/** Milliseconds: a second where nothing else runs. */
const PATIENCE = 120_000;
const HEAD = 'local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge: { ports: [eth0] }\n';

describe('the table', () => {
  it.each(named)('has $title once', ({ entries }) => {
    expect(entries).toHaveLength(1);
  });

  it('has no line for a block that is gone', () => {
    const stale = DOC_TABLE.filter((entry) => !named.some(({ entries }) => entries.includes(entry)));
    expect(stale).toEqual([]);
  });

  it('names tests that are there', () => {
    const tests = DOC_TABLE.flatMap(({ shown }) => (typeof shown === 'string' ? [] : [shown.test]));
    expect([...tests, ...Object.values(LINES_ELSEWHERE)].filter((file) => !existsSync(path.join(ROOT, file)))).toEqual(
      [],
    );
  });

  it('finds blocks in lists, without a language, and left open', () => {
    expect(blocksOf('a.md', 'x\n  ```sh\n  a\n  ```\n```\nb\nc').map(({ text, line }) => [line, text])).toEqual([
      [3, '  a\n'],
      [6, 'b\nc\n'],
    ]);
  });
});

it('README has at most 1,000 words: what is more belongs into docs/', () => {
  const words = readFileSync(path.join(ROOT, 'README.md'), 'utf8').split(/\s+/).filter(Boolean);
  expect(words.length).toBeLessThanOrEqual(1000);
});

it.each(shownAs('site'))('$title is a site file', ({ text }) => {
  expect(draftOf(text, openEnds(text, 'site-a.yaml'), 'site-a.yaml').engine).toBe('auto');
});

it.each(shownAs('net'))('$title is a net, and the table below is what show prints of it', ({ file, text }) => {
  const printed = netText(parseNet(text, 'office.net.yaml'));
  expect(readFileSync(path.join(ROOT, file), 'utf8')).toContain(`$ clear-df net show office.net.yaml\n${printed}`);
});

it.each(shownAs('carrier'))('$title is the carrier of one', ({ text }) => {
  expect(parseSite(HEAD + text, 'site-a.yaml').carrier.type).toBe('esp');
});

it.each(shownAs('config'))('$title is a configuration of run', ({ text }) => {
  expect(Object.keys(parseConfigText(text, 'clear-df.yaml')).length).toBeGreaterThan(0);
});

describe('in a namespace', () => {
  let lab: Lab;
  let router: Namespace;
  let folder: string;

  beforeAll(async () => {
    lab = await Lab.create();
    router = await lab.namespace('router');
    const others = await lab.namespace('others');
    for (const [i, dev] of ['eth0', 'gretap1', 'eth1', 'lan0', 'wan0'].entries()) {
      await lab.link({ at: router, dev }, { at: others, dev: `o${i}` });
    }
    await router.ip('link', 'add', 'br0', 'type', 'bridge');
    for (const port of ['eth0', 'gretap1']) await router.ip('link', 'set', port, 'master', 'br0');
    await router.ip('link', 'set', 'br0', 'up');
    folder = await lab.scratch();
    symlinkSync(path.join(ROOT, 'bin/clear-df.cjs'), path.join(folder, 'clear-df'));
    writeFileSync(path.join(folder, 'FILE'), `name: a\n${HEAD}carrier: { type: esp, ike: { psk: a.psk } }\n`);
    writeFileSync(path.join(folder, 'a.psk'), 'sixteen bytes or more\n', { mode: 0o600 });
    const [net] = shownAs('net');
    writeFileSync(path.join(folder, 'office.net.yaml'), net?.text ?? '');
    // A capture without packets: magic, version 2.4, snapshot length, raw IPv4.
    const pcap = Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex');
    writeFileSync(path.join(folder, 'in.pcap'), pcap);
  });

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  const shell = (line: string) => ['-c', `cd "${folder}" && PATH="${folder}:$PATH" exec ${line}`];

  /** A process that stays, until TERM; then all is well. */
  async function stays(line: string, says: RegExp): Promise<void> {
    const running = router.spawn('bash', shell(line));
    await running.says(says, PATIENCE);
    expect(await running.stop('SIGTERM'), running.stderr).toEqual({ exitCode: 0, signal: undefined });
  }

  async function shows(line: string): Promise<void> {
    if (LINES_ELSEWHERE[line] !== undefined) return;
    if (line.startsWith('clear-df --queue')) return stays(line, /clear-df is running/);
    const verbs = /^(clear-df \w+) ((?:\w+\|)+\w+) /.exec(line);
    if (verbs !== null) {
      // A synopsis: each of its verbs is one.
      for (const verb of verbs[2]?.split('|') ?? []) await shows(`${verbs[1]} ${verb} --help`);
      return;
    }
    if (line.includes('stats')) {
      const daemon = router.spawn('bash', shell('clear-df --queue 0'));
      await daemon.says(/clear-df is running/, PATIENCE);
      const stats = router.spawn('bash', shell(line));
      await stats.says(/packets/, PATIENCE);
      await stats.stop('SIGTERM');
      await daemon.stop('SIGTERM');
      return;
    }
    const given = line.replace(' [FILE]', '').replace(' HOST', ' 127.0.0.1');
    const { exitCode, stderr } = await router.try('bash', shell(given), PATIENCE);
    // doctor answers no where it finds something wrong, as it should in this half of a router.
    expect(line.includes('doctor') ? [0, 1] : [0], `${line}: ${stderr}`).toContain(exitCode);
  }

  it.each(shownAs('run'))(
    '$title runs as printed',
    async (block) => {
      const lines = typedLines(block);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        expect(line).toMatch(/^clear-df /);
        await shows(line);
      }
    },
    3 * PATIENCE,
  );

  it.each(shownAs('script'))('$title runs as printed', async ({ text }) => {
    // Inside of the package, where `clear-df` is itself.
    const cache = path.join(ROOT, '.cache', 'docs');
    mkdirSync(cache, { recursive: true });
    const script = path.join(cache, `${process.pid}.mjs`);
    writeFileSync(script, text);
    try {
      const { exitCode, stderr } = await router.try(process.execPath, [script]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    } finally {
      rmSync(script);
    }
  });

  it.each(shownAs('unit'))('$title is a unit that systemd takes', async ({ text }) => {
    const unit = path.join(folder, 'clear-df.service');
    // systemd looks whether the program is there.
    writeFileSync(unit, text.replace('/usr/bin/node', process.execPath));
    const { exitCode, stderr } = await router.try('systemd-analyze', ['--man=no', 'verify', unit]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(readFileSync(unit, 'utf8')).toMatch(/^Wants=network-online\.target$/m);
  });
});
