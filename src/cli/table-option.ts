/** A flag of the option table, as `run` and `rules install` take it. */
import { Option } from 'commander';
import { type OptionInfo, type OptionName, optionInfo } from '../commands/option-table.js';
import { ClearDfError, shortened } from '../errors.js';

/** The flag of an option; its text is checked where all options are read together. */
export class TableOption extends Option {
  constructor(readonly entry: OptionName) {
    const info = optionInfo(entry);
    super(info.flag, helpOf(info));
    if (this.required) refuseTwice(this);
  }
}

function helpOf({ flag, help, accepted, defaultText }: OptionInfo): string {
  if (!flag.includes('<')) return help;
  return `${help} (${[accepted, ...(defaultText === undefined ? [] : [`default ${defaultText}`])].join('; ')})`;
}

/** Of two values one would quietly lose: a flag that is given twice is refused. */
export function refuseTwice(option: Option): Option {
  return option.argParser((text: string, previous: string | undefined) => {
    if (previous === undefined) return text;
    throw new ClearDfError({
      code: 'USAGE',
      operation: 'read',
      object: option.long ?? option.flags,
      reason: `it is given twice, '${shortened(previous)}' and '${shortened(text)}'; expected it once`,
    });
  });
}
