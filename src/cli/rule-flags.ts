/** The flags that say which packets are queued and where, for `clear-df rules`. */
import type { Command } from 'commander';
import { missingError } from '../errors.js';
import { type BackendChoice, parseBackendChoice } from '../host/firewall.js';
import { parseQueueRange, QUEUE_RANGE_FORM } from '../net/queue-range.js';
import { type RuleSpec, parseRuleSpec } from '../rules/spec.js';
import { OPTION_NAMES, optionInfo, type OptionName } from '../commands/option-table.js';
import { TableOption } from './table-option.js';

/** The flags as commander hands them over; absent where not given. */
export interface RuleFlags {
  name?: string;
  /** `N` or `N:M` */
  queue?: string | number;
  hook?: string;
  proto?: string;
  local?: string;
  remote?: string;
  inDev?: string;
  outDev?: string;
  largerThan?: string | number;
  forwarded?: boolean;
  includeQuic?: boolean;
  fanout?: string;
  bypass?: boolean;
  backend?: string;
}

/** Adds the flags of `run` that say which packets are queued, where, and by which firewall. */
export function addRuleFlags(command: Command): Command {
  const isRuleFlag = (name: OptionName) => optionInfo(name).group === 'rules' && name !== 'install-rules';
  for (const name of ['queue', ...OPTION_NAMES.filter(isRuleFlag)] as const) command.addOption(new TableOption(name));
  return command;
}

/**
 * The rule that flags ask for.
 * @throws ClearDfError USAGE that names the flag, the value and the accepted form
 */
export function ruleSpecFromFlags(flags: RuleFlags): RuleSpec {
  if (flags.queue === undefined) throw missingError('--queue', QUEUE_RANGE_FORM);
  const queues = parseQueueRange(String(flags.queue));
  const { name, hook, proto, local, remote, inDev, outDev, forwarded, includeQuic, fanout, bypass } = flags;
  const where = { name, hook, proto, local, remote, inDev, outDev, largerThan: bytes(flags.largerThan) };
  const given = { ...where, forwarded, includeQuic, queues, fanout, bypass };
  return parseRuleSpec(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
}

/** The backend that flags ask for; `auto` when they do not. @throws ClearDfError USAGE */
export function backendFromFlags({ backend }: RuleFlags): BackendChoice {
  return backend === undefined ? 'auto' : parseBackendChoice(backend);
}

/** Digits become a number; anything else is left for the rule's own check to refuse. */
function bytes(value: string | number | undefined): string | number | undefined {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}
