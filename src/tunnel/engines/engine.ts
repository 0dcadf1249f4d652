/** What the planner asks of an engine; pure. */
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import { typeOf } from '../types/table.js';
import type { Origin } from '../origin.js';
import type { ManglerPlan } from '../plan.js';
import type { BridgeHook, Engine, Site } from '../site/site.js';
import type { Answer } from '../enums.js';

export interface EngineDefinition {
  name: Engine;
  /** Whether it can do its work for this site on this machine. */
  can(site: Site, facts: Facts): Ability;
  /** What a person gets, and what not; stands behind `because` when it was chosen unasked. */
  trade: string;
  parts(context: EngineContext): EngineParts;
}

export interface Ability {
  answer: Answer;
  /** In words: `this kernel knows ignore-df`. */
  because: string;
  /** What to do about a no. */
  hint?: string;
}

export interface EngineContext {
  site: Site;
  facts: Facts;
  origin: Origin;
  /** The plan makes the bridge. */
  freshBridge: boolean;
}

export interface EngineParts {
  /** `ignore-df` on the gretap. */
  ignoreDf: boolean;
  /** Before any device is touched. */
  first: Item[];
  /** When there is a bridge, and before it has ports. */
  onBridge: Item[];
  /** When the tunnel device is there, and before it joins the bridge. */
  onTunnel: Item[];
  mangler: ManglerPlan | undefined;
  /** How bridged frames reach the queue. */
  hook?: BridgeHook;
  notes: string[];
}

/** Of the tunnel's type; before the bridge cuts there is only the queue. */
export function enginesFor(site: Site): readonly Engine[] {
  return typeOf(site).engines.filter((name) => site.fragment === 'outer' || name === 'nfqueue');
}

/** What else a site could have, for a hint: `engine: bpf or engine: nfqueue`; empty where there is nothing. */
export function instead(site: Site, ...engines: readonly Engine[]): string {
  const known = enginesFor(site);
  return engines
    .filter((name) => known.includes(name))
    .map((name) => `engine: ${name}`)
    .join(' or ');
}

/** A probe's answer in the engine's words, with what it rests on. */
export function ability(
  { can, evidence }: Facts,
  probe: Exclude<keyof Facts['can'], 'endDt4' | 'nftClearsDf'>,
  words: Record<Answer, string>,
  hint: string,
): Ability {
  const answer = can[probe];
  const found = evidence?.[probe];
  const because = found === undefined ? words[answer] : `${words[answer]} (${found})`;
  return { answer, because, ...(answer === 'no' ? { hint } : {}) };
}
