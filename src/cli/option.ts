/** Options whose values are known beforehand: `--help`, manual pages and completions all say which ones they are. */
import { type Command, Option } from 'commander';
import { oneOf, usageError } from '../errors.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, useLogFormat } from '../log.js';

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
      throw usageError(this.long ?? flags, text, oneOf(words));
    });
  }
}

/** `--log-level` and `--log-format` of every command but `run`. */
export function addLogOptions(command: Command): Command {
  const format = new WordOption('--log-format <format>', 'how it is said', LOG_FORMATS).default('auto');
  return command
    .addOption(new WordOption('--log-level <level>', 'how much is said on stderr', LOG_LEVELS).default('info'))
    .addOption(format)
    .hook('preAction', (_, asked) => useLogFormat(asked.opts<{ logFormat: LogFormat }>().logFormat));
}
