/** A command from its start to its end, with all that it prints. */
import { type Ending, startProgram } from './program.js';

/** What came of a command. */
export interface Ended extends Ending {
  stdout: string;
  stderr: string;
  /** Why it was ended, as {@link RunOptions.giveUp} said. */
  givenUp?: string;
}

interface RunOptions {
  env: Record<string, string>;
  input?: string | undefined;
  /** Calls back with the reason when the command is to be ended. @returns how to forget about it */
  giveUp: (end: (reason: string) => void) => () => void;
}

/** Bytes that a command may print: no listing of a real machine is as long. */
const OUTPUT_MAX = 256 * 1024 * 1024;

/** What a terminal sends to every process of the group in front of it. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'];

/** Runs a command to its end. Never throws: a command that cannot be started has {@link Ended.failed}. */
export async function runChild(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const ended = await runOnce(command, args, options);
  // From fork(2) to setsid(2) it is in this process's group: a Ctrl-C at that moment ends it before it is the command.
  const unborn =
    ended.signal !== undefined && FROM_TERMINAL.includes(ended.signal) && ended.stdout + ended.stderr === '';
  return unborn && ended.givenUp === undefined ? runOnce(command, args, options) : ended;
}

async function runOnce(command: string, args: readonly string[], { env, input, giveUp }: RunOptions): Promise<Ended> {
  let [bytes, givenUp]: [number, string | undefined] = [0, undefined];
  const end = (reason: string) => {
    givenUp ??= reason;
    program.end();
  };
  const taker = (chunks: Buffer[]) => (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > OUTPUT_MAX) end('it prints without an end');
    else chunks.push(chunk);
  };
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  const program = startProgram(command, args, { env, input, stdout: taker(stdout), stderr: taker(stderr) });
  const forget = giveUp(end);
  const ending = await program.ended;
  forget();
  const [said, complained] = [stdout, stderr].map((chunks) => Buffer.concat(chunks).toString('utf8'));
  return {
    stdout: said ?? '',
    stderr: complained ?? '',
    ...ending,
    ...(givenUp === undefined ? {} : { givenUp }),
  };
}
