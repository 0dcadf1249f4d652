/** The tools that clear-df runs, and their versions. */
import { ClearDfError } from '../../errors.js';
import type { Tool } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';

/** Name → the words that make it tell its version. */
const TOOLS: Record<string, { words: readonly string[]; install: string }> = {
  ip: { words: ['-V'], install: 'apt-get install iproute2' },
  iptables: { words: ['--version'], install: 'apt-get install iptables' },
  nft: { words: ['--version'], install: 'apt-get install nftables' },
};

/** Which are there. */
export async function readTools(runner: Runner): Promise<Map<string, Tool>> {
  const found = Object.entries(TOOLS).map(async ([name, how]) => [name, await readTool(runner, name, how)] as const);
  return new Map(await Promise.all(found));
}

async function readTool(runner: Runner, name: string, { words, install }: (typeof TOOLS)[string]): Promise<Tool> {
  try {
    const [line = ''] = (await runner.query(name, words)).trim().split('\n');
    return line === '' ? { state: 'unknown' } : { state: 'present', version: line };
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    return error.errno === 'ENOENT' ? { state: 'missing', install } : { state: 'unknown' };
  }
}
