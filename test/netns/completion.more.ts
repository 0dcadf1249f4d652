/**
 * What a person sees who presses Tab, in bash, zsh and fish.
 *
 *   terminal (tmux) ── shell, in namespaces of its own: devices lo, lan7; tunnels east and west, and one of another namespace
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SHELLS } from '../../src/cli/completion.js';
import { commandTree } from '../../src/cli/command-tree.js';
import { wholeProgram } from '../../src/cli/program.js';
import { install } from '../helpers/debian-packages.js';
import { patient } from '../helpers/slowness.js';
import { Terminal } from '../helpers/terminal.js';

/** How each starts with the script and nothing else, and a prompt that nothing else prints. */
const START = {
  bash: 'exec bash --noprofile --rcfile FOLDER/bashrc',
  zsh: `exec env ZDOTDIR=FOLDER/zsh zsh`,
  fish: `exec fish --no-config --init-command 'source FOLDER/clear-df.fish; function fish_prompt; echo -n "at\\$ "; end; function fish_greeting; end'`,
};
const BASHRC = `PS1='at$ '
. FOLDER/clear-df.bash
`;
const ZSHRC = `PROMPT='at$ '
fpath=(FOLDER/zsh $fpath)
autoload -Uz compinit
compinit -u -D
`;
const NAMESPACES = `mount -t tmpfs none /run
mount -t sysfs none /sys
mkdir /run/clear-df
here=$(stat -Lc %i /proc/self/ns/net)
for tunnel in east-"$here" west-"$here" elsewhere-1; do echo {} >/run/clear-df/tunnel-"$tunnel".json; done
ip link add lan7 type veth peer name far7
`;

let folder: string;
let terminal: Terminal;

beforeAll(async () => {
  await install('zsh', 'fish');
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-completion-'));
  const tree = commandTree(await wholeProgram());
  for (const shell of ['bash', 'fish'] as const) {
    writeFileSync(path.join(folder, `clear-df.${shell}`), SHELLS[shell](tree));
  }
  writeFileSync(path.join(folder, 'bashrc'), BASHRC.replace('FOLDER', folder));
  mkdirSync(path.join(folder, 'zsh'));
  writeFileSync(path.join(folder, 'zsh/_clear-df'), SHELLS.zsh(tree));
  writeFileSync(path.join(folder, 'zsh/.zshrc'), ZSHRC.replace('FOLDER', folder));
  // Where it is not installed fish offers nothing for it.
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin/clear-df'), '#!/bin/sh\n');
  chmodSync(path.join(folder, 'bin/clear-df'), 0o755);
}, patient(300_000));
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  terminal = await Terminal.open(100, 40, { LC_ALL: 'C.UTF-8' });
});
afterEach(() => terminal[Symbol.asyncDispose]());

describe.each(Object.entries(START))('in %s', (shell, start) => {
  beforeEach(async () => {
    const file = path.join(folder, `${shell}.sh`);
    writeFileSync(
      file,
      `set -e\nexport PATH=${folder}/bin:$PATH HOME=${folder}\n${NAMESPACES}${start.replaceAll('FOLDER', folder)}\n`,
    );
    await terminal.run(`clear; unshare --mount --net bash ${file}`);
    await terminal.shows(/^at\$/m);
  });

  it.each([
    ['a command', 'clear-df tun', /clear-df tunnel /],
    ['a command below it', 'clear-df tunnel sta', /clear-df tunnel status /],
    ['a flag', 'clear-df run --instal', /clear-df run --install-rules/],
    ['a word of a flag', 'clear-df run --hook br', /clear-df run --hook bridge/],
    ['a device', 'clear-df run --in-dev lan', /clear-df run --in-dev lan7/],
    ['a device without a flag', 'clear-df fast-path attach lan', /clear-df fast-path attach lan7/],
    ['a tunnel', 'clear-df tunnel down --name ea', /clear-df tunnel down --name east/],
  ])('completes %s', async (_, typed, completed) => {
    await terminal.type('-l', typed);
    await terminal.type('Tab');
    await terminal.shows(completed);
  });

  it('offers the tunnels of this network namespace, and no others', async () => {
    await terminal.type('-l', 'clear-df tunnel down --name ');
    await terminal.type(...(shell === 'bash' ? ['Tab', 'Tab'] : ['Tab']));
    expect(await terminal.shows(/^east\b.*\bwest\b/m)).not.toContain('elsewhere');
  });
});
