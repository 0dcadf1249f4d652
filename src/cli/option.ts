/** Options whose values are known beforehand: `--help`, manual pages and completions all say which ones they are. */
import { Option } from 'commander';
import { usageError } from '../errors.js';
import { LOG_LEVELS } from '../log.js';

/** An option that takes one of some words. */
export class WordOption extends Option {
  /** @throws ClearDfError USAGE, when the command line is read, for another word */
  constructor(
    flags: string,
    help: string,
    readonly words: readonly string[],
  ) {
    super(flags, `${help}${help === '' ? '' : ': '}${words.join(' | ')}`);
    this.argParser((text: string) => {
      if (words.includes(text)) return text;
      throw usageError(this.long ?? flags, text, words.join(', '));
    });
  }
}

/** `--log-level` of every command but `run`. */
export function logLevelOption(): Option {
  return new WordOption('--log-level <level>', 'how much is said on stderr', LOG_LEVELS).default('info');
}
