/** `clear-df run`: bind and mangle until TERM. */
import { Command, Option } from 'commander';
import { runClearDf } from '../commands/run.js';
import { type GivenOptions, type OptionInfo, optionInfo, OPTION_NAMES, OPTIONS } from '../commands/option-table.js';
import { readOptions } from '../commands/options.js';
import type { SignalWatch } from '../commands/signals.js';
import { type Explanation, explain } from './explain.js';
import { refuseTwice, TableOption } from './table-option.js';
import { version } from './version.js';

const GROUPS: Record<OptionInfo['group'], string> = {
  queue: 'Queue:',
  rules: 'Rules (with --install-rules):',
  'fast-path': 'Fast path:',
  service: 'Service:',
};

const DETAILS: Explanation = {
  text: `
A file given with --config has one KEY: VALUE a line; each key is a flag's name (fail-open: false for
--no-fail-open). A flag outranks the file. HUP re-reads the file, and without one
looks whether the rules are still in place, which the run does every 30 s anyway. TERM, INT and QUIT end the run, and
so does the HUP of a terminal that goes away: the rules that it installed are removed first, packets that wait are
answered, exit code 0. What it waits for by then is given up. Another TERM, INT or QUIT a second later, or a third
one, ends it at once.`,
  examples: [
    ['clear-df run --queue 0', 'bind; the rules are yours'],
    ['clear-df run --queue 0 --install-rules --hook bridge --out-dev gretap1', 'in front of a tunnel of your own'],
    [
      'clear-df run --queue 0:3 --install-rules --forwarded --in-dev lan0 --larger-than mtu --out-dev wan0',
      'on the way to a smaller link',
    ],
    ['clear-df run --config /etc/clear-df/clear-df.yaml', 'as clear-df.service does'],
  ],
  files: ['options', 'state'],
  see: ['iptables(8)', 'nft(8)', 'tc(8)'],
};

/** The command, for the table of commands; `signals` when they are watched already. */
export function runCommand(signals?: SignalWatch): Command {
  const command = explain(new Command('run'), DETAILS).usage('--queue N[:M] [options]');
  for (const name of OPTION_NAMES) command.addOption(new TableOption(name).helpGroup(GROUPS[optionInfo(name).group]));
  const file = new Option('--config <file>', 'YAML file of options, one KEY: VALUE a line').helpGroup(GROUPS.service);
  return command
    .addOption(refuseTwice(file))
    .action((flags: { config?: string }, given: Command) => run(flags, given, signals));
}

/** The flags that were typed, as text and with their own names. */
function typed(command: Command): GivenOptions {
  const given: GivenOptions = {};
  for (const name of OPTION_NAMES) {
    const { flag } = OPTIONS[name];
    const key = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (command.getOptionValueSource(key) !== 'cli') continue;
    given[name] = { text: String(command.getOptionValue(key)), where: flag.split(' ', 1)[0] as string };
  }
  return given;
}

async function run(flags: { config?: string }, command: Command, signals?: SignalWatch): Promise<void> {
  const given = typed(command);
  const file = flags.config === undefined ? undefined : await configFile(flags.config);
  const read = () => readOptions({ ...file?.(), ...given });
  await runClearDf(read(), {
    version: version(),
    ...(file === undefined ? {} : { reread: read }),
    ...(signals === undefined ? {} : { signals }),
  });
}

/** Reads the file whenever it is called; without a file nothing that reads YAML is loaded. */
async function configFile(file: string): Promise<() => GivenOptions> {
  const { readConfigFile } = await import('../commands/config-file.js');
  return () => readConfigFile(file);
}
