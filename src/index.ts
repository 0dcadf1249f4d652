/** The public names of clear-df. */
export {
  COUNTERS,
  COUNTER_NAMES,
  type CounterInfo,
  type CounterName,
  type Counters,
  delta,
  merge,
} from './counters.js';
export { EncapSocket, type EncapFault, type EncapOptions, type EncapStats } from './espinudp.js';
export { ClearDfError, EXIT_CODES, type ErrorCode } from './errors.js';
export {
  type Busiest,
  ClearDf,
  type Fault,
  IDENTIFICATION_POLICIES,
  type OpenOptions,
  type QueueRange,
  type QueueStats,
  type Setting,
  type Stats,
} from './mangler.js';
export type { FastCounter, FastCounters } from './fast-path/counters.js';
export type { FastStats } from './fast-path/fast-path.js';
export type { IdentificationPolicy } from './native.js';
export { ruleLine as iptablesRule } from './rules/iptables.js';
export { ruleLines as nftRules } from './rules/nft.js';
export { type ResolvedRule, resolveRules } from './rules/resolve.js';
export { parseRuleSpec, type RuleSpec, type RuleSpecInput } from './rules/spec.js';
