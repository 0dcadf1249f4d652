/** What a HUP changes: which options have new values, and which of those a running service can take. */
import { isDeepStrictEqual } from 'node:util';
import { rangeText } from './bind.js';
import { OPTION_NAMES, type OptionName, optionInfo } from './option-table.js';
import { readOptions, type ServiceOptions } from './options.js';

export interface Change {
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
  return optionInfo(name).initial ?? 'default';
}

/** `after` as far as a running service can take it: what is bound into the queue stays as in `before`. */
export function keepBound(before: ServiceOptions, after: ServiceOptions): ServiceOptions {
  const given = { ...after.given };
  for (const name of OPTION_NAMES.filter((option) => !optionInfo(option).live)) {
    delete given[name];
    const bound = before.given[name];
    if (bound !== undefined) given[name] = bound;
  }
  return readOptions(given);
}
