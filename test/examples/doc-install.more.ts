/**
 * The blocks that begin with `git clone`, as printed, in a fresh clone of what is committed here: npm's registry is needed,
 * and minutes. Packages of Debian are only simulated, and what is global is in a folder of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { docBlocks, ROOT } from './doc-blocks.js';
import { DOC_TABLE } from './doc-table.js';

const entries = DOC_TABLE.filter(({ shown }) => shown === 'install');
const blocks = docBlocks().filter((block) =>
  entries.some(({ file, has }) => file === block.file && block.text.includes(has)),
);

it.each(blocks)(
  '$file:$line works in a fresh clone',
  async ({ text }) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-docs-'));
    const prefix = path.join(folder, 'global');
    const script = text
      .replace('<this repository>', `file://${ROOT}`)
      .replace('apt-get install', 'apt-get install --simulate');
    try {
      // Nothing of the checkout's own may help, nor the environment of the npm that runs this.
      const foreign = (process.env['PATH'] ?? '').split(':').filter((one) => !one.includes('node_modules'));
      const env = { HOME: process.env['HOME'] ?? '/root', PATH: foreign.join(':'), npm_config_prefix: prefix };
      const { stdout } = await execa('bash', ['-ec', script], { cwd: folder, env, extendEnv: false });
      if (text.includes('npm run demo')) return expect(stdout).toMatch(/6\. clear-df is asked to end\n/);
      const { stdout: help } = await execa(path.join(prefix, 'bin/clear-df'), ['--help'], { env, extendEnv: false });
      expect(help).toContain('clear-df [run] --queue');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  1_200_000,
);
