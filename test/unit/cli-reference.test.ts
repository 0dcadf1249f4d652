/** What is made of the commands' own definition: manual pages and completions. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualPages, placeOf } from '../../scripts/man.js';
import { type CommandNode, commandTree, everyNode } from '../../src/cli/command-tree.js';
import { COMMAND_NAMES } from '../../src/cli/commands.js';
import { wholeProgram } from '../../src/cli/program.js';
import { SHELLS } from '../../src/cli/completion.js';
import { FILE_KEYS } from '../../src/commands/option-table.js';
import { keysAt } from '../../src/tunnel/site/schema.js';

let tree: CommandNode;
let folder: string;

beforeAll(async () => {
  tree = commandTree(await wholeProgram());
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-reference.'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the manual pages', () => {
  let pages: Map<string, string>;

  beforeAll(async () => {
    pages = new Map((await manualPages('January 1, 2026')).map((page) => [placeOf(page), page.text]));
    for (const [file, text] of pages) {
      mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
  });

  it('are those that the package names, one for each command', () => {
    const { man } = JSON.parse(readFileSync('package.json', 'utf8')) as { man: string[] };
    expect([...pages.keys()].map((file) => `./dist/man/${file}`).sort()).toEqual([...man].sort());
    const named = [...everyNode(tree)].map(({ words }) => `man1/${['clear-df', ...words].join('-')}.1`);
    expect([...pages.keys()].filter((file) => file.startsWith('man1'))).toEqual(named);
    expect(tree.commands.map(({ words }) => words.join(' '))).toEqual(COMMAND_NAMES);
  });

  it('pass mandoc, and refer to each other', async () => {
    // On stderr it complains about this machine's index of pages.
    const { stdout } = await execa('mandoc', ['-T', 'lint', ...pages.keys()], { cwd: folder, reject: false });
    // Whether the pages of others are on this machine is no matter.
    const ours = (line: string) => !line.includes('referenced manual not found');
    expect(stdout.split('\n').filter((line) => line !== '' && ours(line))).toEqual([]);
    const references = [...pages.values()].flatMap((text) => [...text.matchAll(/^\.(?:It )?Xr (clear-df\S*) (\d)/gm)]);
    expect(references.length).toBeGreaterThan(pages.size);
    const missing = references.filter(([, name, section]) => !pages.has(`man${section}/${name}.${section}`));
    expect(missing.map(([line]) => line)).toEqual([]);
  });

  it('have examples, exit codes, and where to read on, each of a command', () => {
    for (const [file, text] of pages) {
      const wanted = file.startsWith('man1') ? ['EXAMPLES', 'EXIT STATUS', 'SEE ALSO'] : ['EXAMPLES', 'SEE ALSO'];
      expect(
        wanted.filter((section) => !text.includes(`\n.Sh ${section}\n`)),
        file,
      ).toEqual([]);
    }
  });

  it('say what each flag and key is for', async () => {
    const { stdout } = await execa('mandoc', ['-T', 'markdown', 'man1/clear-df-run.1'], { cwd: folder });
    expect(stdout).toMatch(/queue-length\*\* \*packets\*\n\n> Packets that may wait for a verdict/);
    const options = pages.get('man5/clear-df.yaml.5') as string;
    for (const key of FILE_KEYS) expect(options).toContain(`.It Cm \\&${key}\n`);
    const site = pages.get('man5/clear-df-site.5') as string;
    for (const at of ['', 'bridge', 'tunnel']) {
      for (const key of keysAt(at, undefined) ?? [])
        expect(site).toContain(at === '' ? `\\&${key}` : `\\&${at}.${key}`);
    }
    for (const type of ['esp', 'esp-in-udp', 'vti', 'xfrm-interface', 'srv6']) {
      for (const key of keysAt('carrier', type) ?? []) {
        if (key !== 'type') expect(site).toContain(`\\&carrier.${key}`);
      }
    }
  });
});

describe('completion', () => {
  /** What bash offers where the line ends, by the script alone. */
  async function offered(lines: readonly string[]): Promise<string[][]> {
    const script = `
      . "$0"
      for line; do
        read -ra COMP_WORDS <<<"$line"
        case $line in *' ') COMP_WORDS+=('') ;; esac
        COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        _clear_df 2>/dev/null
        echo "\${COMPREPLY[*]}"
      done`;
    const file = path.join(folder, 'clear-df.bash');
    writeFileSync(file, SHELLS.bash(tree));
    const { stdout } = await execa('bash', ['-c', script, file, ...lines]);
    return stdout.split('\n').map((line) => line.split(' '));
  }

  it('in bash offers commands, flags, their words and devices', async () => {
    const lines = {
      'clear-df tu': ['tunnel'],
      'clear-df help tunnel st': ['status'],
      'clear-df tunnel ': ['plan', 'up', 'down', 'status', 'unit', 'ike', 'peer', 'keys'],
      'clear-df tunnel up --en': ['--engine'],
      'clear-df tunnel up --engine ': ['nfqueue', 'tunnel-flag', 'bpf', 'none'],
      'clear-df run --hook b': ['bridge'],
      'clear-df --hook = p': ['prerouting', 'postrouting'],
      'clear-df rules install --proto ': ['gre', 'esp', 'all'],
      'clear-df --in-dev l': ['lo'],
      'clear-df fast-path attach l': ['lo'],
      'clear-df completion ': ['bash', 'zsh', 'fish'],
      'clear-df stats --q': [''],
    };
    expect(await offered(Object.keys(lines))).toEqual(Object.values(lines));
  });

  it('in bash offers every flag of every command', async () => {
    const nodes = [...everyNode(tree)].filter(({ words }) => words.length > 0);
    const found = await offered(nodes.map(({ words }) => `clear-df ${words.join(' ')} --`));
    expect(found).toEqual(nodes.map(({ flags }) => flags.map(({ long }) => long)));
  });

  it('is accepted by shellcheck, and by zsh and fish where they are', async () => {
    for (const [shell, make] of Object.entries(SHELLS)) writeFileSync(path.join(folder, `c.${shell}`), make(tree));
    await execa('shellcheck', ['--shell=bash', 'c.bash'], { cwd: folder });
    const there = ['zsh', 'fish'].filter((shell) => existsSync(`/usr/bin/${shell}`));
    for (const shell of there) await execa(shell, ['-n', `c.${shell}`], { cwd: folder });
  });
});
