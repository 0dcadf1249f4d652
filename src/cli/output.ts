/** What the command line says when it ends: one line of what failed, one of what to do next. */
import { CommanderError } from 'commander';
import { asError, ClearDfError, EXIT_CODES, printable, shortened } from '../errors.js';

/** What to print on stderr and the exit code that goes with it. */
interface Ending {
  text: string;
  exitCode: number;
}

const ENOUGH_SAID = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** How the process ends because of what was thrown; the stack of an unexpected one is shown only when `debug` is set. */
export function endingOf(thrown: unknown, debug: boolean): Ending {
  if (thrown instanceof CommanderError) return commanderEnding(thrown);
  const error = asError(thrown);
  if (error instanceof ClearDfError) {
    const stack = debug && error.cause instanceof Error ? `${error.cause.stack}\n` : '';
    return { text: lines(error.message, error.hint) + stack, exitCode: error.exitCode };
  }
  const { message, stack } = error;
  const text = debug
    ? `${lines(message)}${stack}\n`
    : lines(message, 'run it again with --log-level debug to see where');
  return { text, exitCode: EXIT_CODES.RUNTIME };
}

/** The words of the command, `clear-df run`, that refused something. */
const refusing = new WeakMap<CommanderError, string>();

/** Remembers which command refused; to be thrown. */
export function refusedBy(error: CommanderError, command: string): CommanderError {
  refusing.set(error, command);
  return error;
}

/** Commander has already shown help and version; its refusals become ours, with the exit code of wrong usage. */
function commanderEnding(error: CommanderError): Ending {
  if (ENOUGH_SAID.has(error.code)) return { text: '', exitCode: error.exitCode === 0 ? 0 : EXIT_CODES.USAGE };
  const [said = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const meant = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(more.join(' ').trim())?.[1];
  const hint =
    meant === undefined
      ? `${refusing.get(error) ?? 'clear-df'} --help shows what is accepted`
      : `did you mean ${meant}?`;
  const words = said.replace(/'([^']*)'/g, (_, value: string) => `'${shortened(value)}'`);
  return { text: lines(words, hint), exitCode: EXIT_CODES.USAGE };
}

function lines(message: string, hint?: string): string {
  return `clear-df: ${printable(message)}\n${hint === undefined ? '' : `hint: ${printable(hint)}\n`}`;
}
