/** The rule's part of the options, handed to the rule's own schema. */
import { ClearDfError } from '../errors.js';
import { flagOf, parseRuleSpec, type RuleSpec, type RuleSpecInput } from '../rules/spec.js';
import type { GivenOptions, OptionName } from './option-table.js';

/** The part of a rule that an option gives. */
const PARTS = {
  hook: 'hook',
  proto: 'proto',
  local: 'local',
  remote: 'remote',
  'in-dev': 'inDev',
  'out-dev': 'outDev',
  'larger-than': 'largerThan',
  forwarded: 'forwarded',
  'include-quic': 'includeQuic',
  fanout: 'fanout',
  bypass: 'bypass',
  name: 'name',
} as const satisfies Partial<Record<OptionName, keyof RuleSpecInput>>;

/** An option that gives a part of the rule. */
export type RuleOption = keyof typeof PARTS;

/**
 * The rule that the options ask for.
 * @throws ClearDfError USAGE that names the flag, or the place in the file that gave the value
 */
export function readRule(options: Partial<Record<OptionName, unknown>>, given: GivenOptions): RuleSpec {
  const input: Record<string, unknown> = { queues: options.queue };
  for (const [name, part] of Object.entries(PARTS) as [RuleOption, string][]) {
    const value = options[name];
    if (value === undefined) continue;
    const bytes = name === 'larger-than' && typeof value === 'string' && /^[1-9]\d{0,5}$/.test(value);
    input[part] = bytes ? Number(value) : value;
  }
  try {
    return parseRuleSpec(input);
  } catch (error) {
    throw error instanceof ClearDfError ? placed(error, given) : error;
  }
}

/** The same refusal with the place of the value in front, when a file gave it. */
function placed(error: ClearDfError, given: GivenOptions): ClearDfError {
  const name = (Object.keys(PARTS) as RuleOption[]).find((option) => flagOf(PARTS[option]) === error.object);
  const where = name === undefined ? undefined : given[name]?.where;
  return where === undefined ? error : new ClearDfError({ ...error, object: where, cause: error.cause });
}
