/** What the kernel can do, tried in a namespace of its own where that loads nothing. */
import { release } from 'node:os';
import { dfWriter } from '../../doctor/kernel.js';
import { type Capabilities, type Machine, known } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { probe } from '../probes.js';
import type { Kernel } from '../read/modules.js';
import { reading } from './reading.js';
import { mayAsk } from './rulesets.js';

/** What the rules that are tried consist of: before 5.17 counters are a module of their own. */
const MODULES = ['nf_tables', 'nft_counter'];

/** @param rulesets nft's part is tried only where one of their rules relies on it: that takes a namespace */
export async function readAbilities(
  runner: Runner,
  kernel: Kernel,
  rulesets: Pick<Machine, 'nftJson' | 'nftText'>,
): Promise<Capabilities> {
  const unloaded = MODULES.find((module) => !mayAsk(kernel, module));
  const relied = known(dfWriter(rulesets)) !== undefined;
  const tries = unloaded === undefined && relied;
  const abilities = tries ? (['nftBridgeQueue', 'nftClearsDf'] as const) : (['nftBridgeQueue'] as const);
  const tried = await reading(probe(runner, kernel.loaded, abilities));
  if ('unknown' in tried) {
    const finding = { answer: 'unknown', evidence: tried.unknown } as const;
    return { nftBridgeQueue: finding, nftClearsDf: finding };
  }
  const { answers, evidence } = tried.known;
  const idle = relied
    ? `${unloaded} is not loaded on ${release()}, and trying would load it`
    : 'not tried: no rule relies on it';
  return {
    nftBridgeQueue: { answer: answers.nftBridgeQueue, evidence: evidence.nftBridgeQueue ?? '' },
    nftClearsDf: { answer: answers.nftClearsDf ?? 'unknown', evidence: tries ? (evidence.nftClearsDf ?? '') : idle },
  };
}
