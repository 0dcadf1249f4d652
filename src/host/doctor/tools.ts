/** The tools that clear-df runs, and their versions. */
import { ClearDfError } from '../../errors.js';
import { known, type Reading, type Tool } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';

/** Name → the words that make it tell its version. */
const TOOLS: Record<string, { words: readonly string[]; install: string }> = {
  ip: { words: ['-V'], install: 'apt-get install iproute2' },
  iptables: { words: ['--version'], install: 'apt-get install iptables' },
  nft: { words: ['--version'], install: 'apt-get install nftables' },
};

/** As each listing in JSON begins. */
const NFT_HEAD = /^\{"nftables": \[\{"metainfo": \{"version": "([^"]+)", "release_name": "([^"]+)"/;

/** The line that `nft --version` prints, from what it has listed; undefined where that does not say. */
export function nftVersion(nftJson: Reading<string>): string | undefined {
  const [, version, name] = NFT_HEAD.exec(known(nftJson) ?? '') ?? [];
  return version === undefined ? undefined : `nftables v${version} (${name})`;
}

/**
 * Which are there.
 * @param versions those that are known already: a tool is not run for its version alone
 */
export async function readTools(
  runner: Runner,
  versions: Readonly<Record<string, string | undefined>> = {},
): Promise<Map<string, Tool>> {
  const found = Object.entries(TOOLS).map(async ([name, how]): Promise<[string, Tool]> => {
    const version = versions[name];
    return [name, version === undefined ? await readTool(runner, name, how) : { state: 'present', version }];
  });
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
