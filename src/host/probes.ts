/**
 * What this machine can do for a tunnel, found by its effect in a network namespace that exists only for that. The
 * answers are yes, no and unknown, each with what it rests on; never a guess.
 */
import { release } from 'node:os';
import type { Abilities } from '../tunnel/abilities.js';
import type { Answer } from '../tunnel/enums.js';
import { ABILITIES, type Ability } from '../tunnel/wanted.js';
import { netAdmin } from './read/rights.js';
import { NoAnswerError, type Runner } from './exec.js';
import { loadableModules } from './read/modules.js';
import { bridgeQueueReturns } from './firewall/bridge.js';
import type { ProbeContext, Finding } from './probes/context.js';
import { probeBridgeQueue } from './probes/bridge-queue.js';
import { probeEndDt4 } from './probes/end-dt4.js';
import { probeFastPath } from './probes/fast-path.js';
import { probeIgnoreDf } from './probes/ignore-df.js';
import { probeNftClearsDf } from './probes/nft-clears-df.js';
import { inPrivateNamespace, type PrivateNamespace } from './probes/namespace.js';

/** What was tried, and what each answer rests on. */
export interface Tried {
  answers: Abilities;
  evidence: Readonly<Partial<Record<Ability, string>>>;
}

/**
 * Tries what is asked. Nothing of it stays: no namespace, no rule, no device.
 * @param modules those that are loaded now
 * @throws NoAnswerError when a tool was not heard to its end: what is kept from then on must not be founded on that
 */
export async function probe(
  runner: Runner,
  modules: ReadonlySet<string>,
  abilities: readonly Ability[] = ABILITIES,
): Promise<Tried> {
  const unheard: NoAnswerError[] = [];
  const bench = { runner: listening(runner, unheard), modules, loadable: loadableModules() };
  const findings = await withNamespace(bench.runner, needsNamespace(abilities, bench), async (namespace, reason) => {
    const found: Partial<Record<Ability, Finding>> = {};
    for (const ability of abilities) found[ability] = await find(ability, { ...bench, namespace, reason });
    return found;
  });
  if (unheard[0] !== undefined) throw unheard[0];
  const answer = (ability: Ability): Answer => findings[ability]?.answer ?? 'unknown';
  return {
    answers: {
      ignoreDf: answer('ignoreDf'),
      bridgeQueue: answer('bridgeQueue'),
      nftBridgeQueue: answer('nftBridgeQueue'),
      fastPath: answer('fastPath'),
      ...(findings.nftClearsDf === undefined ? {} : { nftClearsDf: findings.nftClearsDf.answer }),
      ...(findings.endDt4 === undefined ? {} : { endDt4: findings.endDt4.answer }),
    },
    evidence: Object.fromEntries(
      [...new Set([...ABILITIES, ...abilities])].map((ability) => [
        ability,
        findings[ability]?.evidence ?? 'not tested: the engine does not need it',
      ]),
    ),
  };
}

/** As the runner, and every command that gave no answer is remembered, whatever is made of it. */
function listening(runner: Runner, unheard: NoAnswerError[]): Runner {
  return {
    ...runner,
    query: (command, args, input) =>
      runner.query(command, args, input).catch((error: unknown) => {
        if (error instanceof NoAnswerError) unheard.push(error);
        throw error;
      }),
  };
}

function needsNamespace(abilities: readonly Ability[], { modules }: Pick<ProbeContext, 'modules'>): boolean {
  return abilities.some((ability) => {
    if (ability === 'nftBridgeQueue') return false;
    return ability !== 'bridgeQueue' || modules.has('br_netfilter');
  });
}

async function find(ability: Ability, bench: ProbeContext): Promise<Finding> {
  switch (ability) {
    case 'ignoreDf':
      return probeIgnoreDf(bench);
    case 'bridgeQueue':
      return probeBridgeQueue(bench);
    case 'fastPath':
      return probeFastPath(bench);
    case 'nftClearsDf':
      return probeNftClearsDf(bench);
    case 'endDt4':
      return probeEndDt4(bench);
    case 'nftBridgeQueue':
      return byVersion(release());
  }
}

/** Nothing short of a queue program and a bridge with traffic would show it by effect. */
function byVersion(kernel: string): Finding {
  const answer = bridgeQueueReturns(kernel);
  const words = {
    yes: `kernel ${kernel}: measured to come through on 5.10, 6.1 and 6.12`,
    no: `kernel ${kernel}: measured on 7.2, every packet that is handed back is lost`,
    unknown: `kernel ${kernel}: it comes through on 5.10 to 6.12 and is lost on 7.2; others have not been measured`,
  };
  return { answer, evidence: words[answer] };
}

async function withNamespace<T>(
  runner: Runner,
  needed: boolean,
  use: (namespace: PrivateNamespace | undefined, reason: string) => Promise<T>,
): Promise<T> {
  if (!needed) return use(undefined, 'no namespace is needed');
  if (netAdmin() === 'no') return use(undefined, 'it cannot be tried without CAP_NET_ADMIN');
  return inPrivateNamespace(runner, use);
}
