/** What a HUP changes: which options have new values, and which of those a running service can take. */
import { isDeepStrictEqual } from 'node:util';
import { rangeText } from '../net/queue-range.js';
import { OPTION_NAMES, type OptionName, optionInfo } from './option-table.js';
import type { ServiceOptions } from './options.js';

interface Change {
  name: OptionName;
  /** The value that the service runs with, as it is written; `default` when none was given. */
  before: string;
  after: string;
  /** The running service can take it. */
  live: boolean;
}

/** The options whose value differs, in the order of the table. */
export function changes(before: ServiceOptions, after: ServiceOptions): Change[] {
  return OPTION_NAMES.filter((name) => !isDeepStrictEqual(before[name], after[name])).map((name) => ({
    name,
    before: written(before, name),
    after: written(after, name),
    live: optionInfo(name).live,
  }));
}

/** An option's value as a flag or the file would give it. */
export function written(options: ServiceOptions, name: OptionName): string {
  const given = options.given[name]?.text;
  if (given !== undefined) return given;
  if (name === 'queue') return rangeText(options.queue);
  return optionInfo(name).defaultText ?? 'default';
}

/** `after` as far as a running service can take it: what is bound into the queue stays as in `before`. */
export function keepBound(before: ServiceOptions, after: ServiceOptions): ServiceOptions {
  const names = OPTION_NAMES.filter((name) => !optionInfo(name).live);
  const bound: Partial<ServiceOptions> = Object.fromEntries(names.map((name) => [name, before[name]]));
  const given = { ...after.given };
  for (const name of names) {
    delete given[name];
    const text = before.given[name];
    if (text !== undefined) given[name] = text;
  }
  const rules = after.rules.map((rule) => ({ ...rule, queues: before.queue }));
  return { ...after, ...bound, given, rules };
}
