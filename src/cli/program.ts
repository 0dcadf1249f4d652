/** The command line as a whole: what stands above the commands, and how each ends. */
import { Command } from 'commander';
import { type ClearDfError, EXIT_CODES, usageError } from '../errors.js';
import { nearest } from '../net/nearest.js';
import { errorSink } from '../log/standard-error.js';
import type { SignalWatch } from '../commands/signals.js';
import { COMMAND_NAMES, commandsFor, WHOLE } from './commands.js';
import { DEFAULT_COMMAND } from './default-command.js';
import { explain } from './explain.js';
import { endingOf, refusedBy } from './output.js';
import { outputColumns, printPage, toleratePipes } from './pipes.js';
import { version } from './version.js';

/** What stands above the commands. */
function rootCommand(): Command {
  const verbs = COMMAND_NAMES.filter((name) => name !== DEFAULT_COMMAND).join('|');
  const root = new Command('clear-df')
    .description("clears the IPv4 Don't Fragment bit of packets that a firewall rule queues")
    .usage(`[run] --queue N[:M] [options]\n       clear-df ${verbs} ... [options]`)
    .version(version(), '-V, --version', 'print the version and exit')
    .helpCommand('help [command...]', 'display help for command');
  return explain(root, {
    examples: [
      ['clear-df tunnel up /etc/clear-df/site-a.yaml', 'a bridged tunnel for full-size frames, from one file'],
      [
        'clear-df --queue 0 --install-rules --hook bridge --out-dev tap0',
        'only the queue, in front of a tunnel of your own',
      ],
      ['clear-df doctor', 'what on this machine is right and wrong'],
    ],
    files: ['options', 'site', 'state'],
  });
}

async function program(argv: readonly string[], signals: SignalWatch | undefined): Promise<Command> {
  const root = rootCommand();
  for (const command of await commandsFor(argv, signals)) {
    root.addCommand(command, { isDefault: command.name() === DEFAULT_COMMAND });
  }
  everyCommand(root, (command) =>
    command
      .exitOverride((error) => {
        throw refusedBy(error, words(command));
      })
      .showSuggestionAfterError(true)
      .configureOutput({
        outputError: () => undefined,
        writeOut: printPage,
        // Commander takes what is no terminal by undefined, and does not say so.
        getOutHelpWidth: outputColumns as () => number,
        // Nothing in it has colours.
        getOutHasColors: () => false,
      }),
  );
  return root;
}

/** The program with every command in full, as data for completions and manual pages is read off it. */
export function wholeProgram(): Promise<Command> {
  return program([WHOLE], undefined);
}

function everyCommand(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const sub of command.commands) everyCommand(sub, change);
}

/** A command as it is typed: `clear-df pcap clear`. */
function words(command: Command): string {
  return command.parent === null ? command.name() : `${words(command.parent)} ${command.name()}`;
}

/** A first word that is no command would become an argument of `run`: refuse it by name instead. */
function refuseUnknownCommand(word: string | undefined): void {
  const names = [...COMMAND_NAMES, 'help'];
  if (word === undefined || word.startsWith('-') || names.includes(word)) return;
  throw unknownCommand(word, names);
}

function unknownCommand(word: string, names: readonly string[]): ClearDfError {
  const meant = nearest(word, names);
  const expected = names.length === 0 ? 'nothing more' : names.join(', ');
  return usageError('command', word, expected, meant === undefined ? undefined : `did you mean '${meant}'?`);
}

/** What help is asked for has to be there: commander shows that of the command above it. */
function refuseUnknownTopic(root: Command, about: readonly string[]): void {
  let at = root;
  for (const word of about) {
    const below = at.commands.find((command) => command.name() === word);
    if (below === undefined)
      throw unknownCommand(
        word,
        at.commands.map((command) => command.name()),
      );
    at = below;
  }
}

/** `help tunnel up` is `tunnel up --help`; commander's own takes one word. */
function withoutHelp(argv: string[]): string[] {
  const [word, ...about] = argv;
  return word === 'help' && !about.some((each) => each.startsWith('-'))
    ? [...about.filter((each) => each !== 'help'), '--help']
    : argv;
}

function wantsDebug(argv: string[]): boolean {
  return /--log-level[ =](debug|trace)\b/.test(argv.join(' '));
}

/**
 * Runs one command to its end.
 * @returns the exit code
 */
export async function main(typed: string[], signals?: SignalWatch): Promise<number> {
  // What ps, and the message to a second instance on the same queue, call this process.
  process.title = ['clear-df', ...typed].join(' ');
  const argv = withoutHelp(typed);
  try {
    refuseUnknownCommand(argv[0]);
    const root = await program(argv, signals);
    root.hook('preAction', toleratePipes);
    if (argv !== typed) refuseUnknownTopic(root, argv.slice(0, -1));
    if (argv.length === 0) {
      toleratePipes();
      root.outputHelp({ error: true });
      return EXIT_CODES.USAGE;
    }
    await root.parseAsync(argv, { from: 'user' });
    // A command whose answer is a plain no says so here.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const { text, exitCode } = endingOf(error, wantsDebug(argv));
    // A stream would keep the process alive until the other end reads.
    if (text !== '') errorSink().write(text);
    return exitCode;
  }
}
