/**
 * Questions at a terminal: `clear-df setup` and `clear-df doctor --fix`, and ^C at each of them. With CLEAR_DF_MORE also
 * at every question of setup.
 *
 *   terminal (tmux) ── shell ── clear-df        in namespace machine: lan0 ─ x0, wan0 ─ x1 (veth), default route by wan0;
 *                                               lan0 has an address of its own
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandOf } from '../helpers/clear-df.js';
import { variants } from '../helpers/more.js';
import type { Lab, Namespace } from '../helpers/netns.js';
import { plainRouter } from '../helpers/plain-router.js';
import { Terminal } from '../helpers/terminal.js';
import { until } from '../helpers/until.js';

const MAX_DIST = 'net.ipv4.ipfrag_max_dist';

let lab: Lab;
let machine: Namespace;
let folder: string;
let terminal: Terminal;

beforeEach(async () => {
  ({ lab, machine, folder } = await plainRouter());
  await machine.ip('address', 'add', '10.0.0.1/24', 'dev', 'lan0');
  terminal = await Terminal.open(160, 60, { LC_ALL: 'C.UTF-8' });
});
afterEach(async () => {
  await terminal[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

/** Types it into the shell, which then says how it ended. It finds that systemd runs. */
async function start(...words: string[]): Promise<void> {
  const systemd = `unshare --mount sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$@"' sh`;
  await terminal.run(
    `clear; ip netns exec ${machine.name} ${systemd} ${commandOf(machine).join(' ')} ${words.join(' ')}; echo "ended by $?"`,
  );
}

/** Waits until this question is the one that is to be answered. */
async function asks(question: RegExp): Promise<void> {
  await terminal.shows(new RegExp(`${question.source}[^\\n]*: *$`, 'm'));
}

/** Waits for the question, and answers it; nothing: Enter. */
async function answer(question: RegExp, text = ''): Promise<void> {
  await asks(question);
  await terminal.run(text);
}

const SETUP = () => ['setup', '--output', folder];
/** What a path is asked for, each with an answer; Enter takes what is suggested. */
const PATH: [asked: RegExp, text: string][] = [
  [/^ {2}which \[bridge\]/, 'path'],
  [/^Device that the packets come in by \[lan0\]/, ''],
  [/^Device that they leave by \[wan0\]/, ''],
  [/^Number of the queue \[0\]/, '7'],
];
const BRIDGE: [asked: RegExp, text: string][] = [
  [/^ {2}which \[bridge\]/, ''],
  [/^Name of this end of the tunnel \[site-a\]/, ''],
  [/^Address of the other router/, '198.51.100.1'],
  [/^Device towards it \[wan0\]/, ''],
  [/^Address of this router, as the other one sees it \[192\.0\.2\.1\]/, ''],
  [/^Device towards the hosts, which becomes a port of the bridge \[lan0\]/, ''],
  [/^It has addresses of its own[^\n]* \[yes\]/, ''],
  [/^ {2}which \[plain\]/, ''],
  [/^Write a unit for systemd[^\n]* \[yes\]/, ''],
];

describe('setup', () => {
  it('asks again for what is not accepted, and writes after a yes', async () => {
    await start(...SETUP());
    const [purpose, inDev, outDev, queue] = PATH as [
      [RegExp, string],
      [RegExp, string],
      [RegExp, string],
      [RegExp, string],
    ];
    await answer(purpose[0], 'road');
    await terminal.shows(/^'road' is not accepted; expected bridge, path, tunnel$/m);
    await answer(...purpose);
    await answer(...inDev);
    await answer(outDev[0], 'lan0');
    await terminal.shows(/^'lan0' is not accepted; expected another device/m);
    await answer(...outDev);
    await answer(...queue);
    await terminal.shows(/-j NFQUEUE --queue-num 7/);
    await answer(/^Write these files\? \(yes, no\) \[no\]/, 'yes');
    await terminal.shows(/^ended by 0$/m);
    expect(readdirSync(folder)).toEqual(['clear-df.yaml']);
  });

  type Turn = [what: string, answers: typeof PATH, question: RegExp];
  const others = [
    ...PATH.map(([asked], i): Turn => [`question ${i + 1} of a path`, PATH.slice(0, i), asked]),
    ...BRIDGE.slice(1).map(([asked], i): Turn => [`question ${i + 2} of a bridge`, BRIDGE.slice(0, i + 1), asked]),
  ];
  it.each(variants<Turn>(['the last question', PATH, /^Write these files\?/], ...others))(
    'writes nothing after ^C at %s',
    async (_, answers, question) => {
      await start(...SETUP());
      for (const each of answers) await answer(...each);
      await asks(question);
      await terminal.type('C-c');
      await terminal.shows(/^clear-df: nothing was written[^]*^ended by 130$/m);
      expect(existsSync(folder)).toBe(false);
    },
  );
});

it('setup writes nothing after ^C while it looks at the machine', async () => {
  const tools = mkdtempSync(path.join(tmpdir(), 'clear-df-tools-'));
  try {
    writeFileSync(path.join(tools, 'ip'), `#!/bin/sh\ntouch ${tools}/asked\nsleep 1000\n`, { mode: 0o755 });
    await terminal.run(
      `ip netns exec ${machine.name} env PATH=${tools}:$PATH ${commandOf(machine).join(' ')} ${SETUP().join(' ')}; echo "ended by $?"`,
    );
    await until('it looks at the machine', () => existsSync(path.join(tools, 'asked')));
    await terminal.type('C-c');
    await terminal.shows(/clear-df: nothing was written[^]*^ended by 130$/m);
    expect(existsSync(folder)).toBe(false);
  } finally {
    rmSync(tools, { recursive: true });
  }
});

describe('doctor --fix', () => {
  it('runs what is agreed to, and nothing more after ^C', async () => {
    const zero = 'ip id set numgen random mod 65536';
    await machine.sysctl({ [MAX_DIST]: 4 });
    await machine.exec('nft', ['add table ip t; add chain ip t c { type filter hook output priority 0; }']);
    await machine.exec('nft', [`add rule ip t c udp dport 9 ${zero}`]);
    await start('doctor', '--fix');
    await answer(/replace rule ip t c[^]*^ {2}run it\? \[y\]es, \[n\]o, \[q\]uit/, 'perhaps');
    await answer(/run it\?[^\n]*perhaps\n {2}run it\?/, 'y');
    await terminal.shows(/^ {2}mended$/m);
    await answer(/sysctl -w net\.ipv4\.ipfrag_max_dist=64\n {2}run it\?/, '');
    await terminal.type('C-c');
    await terminal.shows(/^1 mended, 0 taken back, 0 failed, 0 declined, 1 still wrong[^]*^ended by 130$/m);
    expect(await machine.exec('sysctl', ['-n', MAX_DIST])).toBe('4');
    expect(await machine.exec('nft', ['list', 'chain', 'ip', 't', 'c'])).toContain('mod 4294967295');
  });

  it('takes back what hangs when ^C comes, and runs nothing more', async () => {
    const tools = mkdtempSync(path.join(tmpdir(), 'clear-df-tools-'));
    try {
      await machine.sysctl({ [MAX_DIST]: 4 });
      // It has done its work, and does not end; what takes it back is let through.
      const script = `#!/bin/sh\n/sbin/sysctl "$@"\n[ -e ${tools}/asked ] && exit\ntouch ${tools}/asked\nexec sleep 1000\n`;
      writeFileSync(path.join(tools, 'sysctl'), script, { mode: 0o755 });
      await terminal.run(
        `ip netns exec ${machine.name} env PATH=${tools}:$PATH ${commandOf(machine).join(' ')} doctor --fix --yes; echo "ended by $?"`,
      );
      await until('it hangs', () => existsSync(path.join(tools, 'asked')));
      await terminal.type('C-c');
      await terminal.shows(/failed: .*; taken back$[^]*^ended by 130$/m);
      expect(await machine.exec('sysctl', ['-n', MAX_DIST])).toBe('4');
    } finally {
      rmSync(tools, { recursive: true });
    }
  });
});
