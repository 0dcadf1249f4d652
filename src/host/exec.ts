/**
 * The only place that starts commands: argument arrays, no shell. What reads goes by `query`, what
 * changes the machine by `change`, which is echoed so that a person can replay it and, under
 * dry run, only shown.
 */
import { accessSync, constants as fsConstants } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { quoteWord, replayText } from '../net/replay.js';
import { type Ended, runChild } from './child.js';
import { shortageOf } from './shortage.js';

export { replayText };

/** One change: the text that a person can replay, and what a command gets on its standard input. */
export interface Change {
  /** A shell line, with a here-document when there is input. */
  text: string;
  input?: string | undefined;
}

interface RunnerOptions {
  /** Gets the text of every change before it is made, and hears of a command that is waited for. */
  log: { debug(message: string): void; info?(message: string): void };
  /** Show changes instead of making them. */
  dryRun?: boolean;
  /** Where changes go under dry run. */
  print?: (change: Change) => void;
  /**
   * Aborted when the run is to end, with the signal's name as the reason: the command that is under way is ended, and
   * those that come after it, which put things back, get {@link ENDING_MS}.
   */
  stop?: AbortSignal | undefined;
  /**
   * Whether what has begun is to end whole: the command that is under way at `stop` gets {@link ENDING_MS} as well,
   * instead of being ended.
   */
  finishing?: () => boolean;
}

/** Runs commands on this machine. */
export interface Runner {
  readonly dryRun: boolean;
  /** As in {@link RunnerOptions}. */
  readonly stop?: AbortSignal | undefined;
  /**
   * Runs a command that changes nothing that lasts and returns its standard output: it is not echoed, and runs under dry
   * run too. Who changes something by it, to keep a secret out of the echo, echoes that.
   * @throws ClearDfError ENVIRONMENT (not installed), PRIVILEGE, or RUNTIME with the command's own words
   */
  query(command: string, args: readonly string[], input?: string): Promise<string>;
  /** As {@link query}, for a command that changes something; returns '' under dry run. */
  change(command: string, args: readonly string[], input?: string): Promise<string>;
  /** A change made without a command; `text` is the command that would do the same. */
  effect(text: string, action: () => void | Promise<void>): Promise<void>;
}

/** Tools live there, and a plain user's PATH may leave them out. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The Debian package of each command that is run anywhere in the project. */
const PACKAGES: Record<string, string> = {
  nft: 'nftables',
  ip: 'iproute2',
  bridge: 'iproute2',
  modprobe: 'kmod',
  swanctl: 'strongswan-swanctl charon-systemd',
};

/** Firewall tools answer at once; xtables' lock and a slow kernel are given time, a hang is not. */
const TIMEOUT_MS = 60_000;

/** The same while the run ends: longer than iptables-legacy waits for the xtables lock. */
export const ENDING_MS = 8000;

/** A command that takes longer is named: a person may be waiting for it. */
const NAMED_AFTER_MS = 5000;
const ENDING_NAMED_AFTER_MS = 1000;

/** What iptables-legacy says while another program holds its lock, once a second. */
const LOCKED = /holding the xtables lock/i;

const DENIED = /operation not permitted|permission denied|must be root/i;

/** @throws nothing itself; see {@link Runner} */
export function createRunner(options: RunnerOptions): Runner {
  const { log, dryRun = false, print = () => undefined, stop } = options;
  const run = (command: string, args: readonly string[], input?: string) => runTool(command, args, input, options);
  return {
    dryRun,
    stop,
    query: run,
    async change(command, args, input) {
      const text = replayText(command, args, input);
      if (dryRun) {
        print({ text, input });
        return '';
      }
      log.debug(text);
      return run(command, args, input);
    },
    async effect(text, action) {
      if (dryRun) {
        print({ text });
        return;
      }
      log.debug(text);
      await action();
    },
  };
}

/** What every tool is started with: English, and found where it lives. */
export function toolEnvironment(): Record<string, string> {
  return { LC_ALL: 'C', PATH: [process.env['PATH'], ...SBIN].filter(Boolean).join(':') };
}

/** Whether a tool would be found. */
export function isInstalled(command: string): boolean {
  const folders = toolEnvironment()['PATH']?.split(':') ?? [];
  return folders.some((folder) => {
    try {
      accessSync(path.join(folder, command), fsConstants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function runTool(
  command: string,
  args: readonly string[],
  input: string | undefined,
  options: RunnerOptions,
): Promise<string> {
  const object = [command, ...args].map(quoteWord).join(' ');
  const ended = await runChild(command, args, {
    env: toolEnvironment(),
    input,
    giveUp: (end) =>
      watch(end, (seconds) => options.log.info?.(`waiting for ${object}, at most ${seconds} s`), options),
  });
  if (ended.exitCode === 0 && ended.givenUp === undefined) return ended.stdout;
  throw failure(command, object, ended);
}

/** When to give a command up: at its time limit, or at once when the run is to end. */
function watch(
  end: (reason: string) => void,
  name: (seconds: number) => void,
  { stop, finishing }: RunnerOptions,
): () => void {
  const ending = stop?.aborted === true;
  const [limit, named] = ending ? [ENDING_MS, ENDING_NAMED_AFTER_MS] : [TIMEOUT_MS, NAMED_AFTER_MS];
  const timers = [
    setTimeout(() => end(`no answer within ${limit / 1000} s`), limit),
    setTimeout(() => name(limit / 1000), named),
  ];
  const interrupt = () => {
    const reason = `ended by clear-df, because of ${String(stop?.reason)}, before it had answered`;
    if (finishing?.() === true) timers.push(setTimeout(() => end(reason), ENDING_MS));
    else end(reason);
  };
  if (!ending) stop?.addEventListener('abort', interrupt, { once: true });
  return () => {
    timers.forEach(clearTimeout);
    stop?.removeEventListener('abort', interrupt);
  };
}

function failure(command: string, object: string, ended: Ended): ClearDfError {
  const short = shortageOf(ended.failed);
  if (short !== undefined) {
    return new NoAnswerError({ code: 'RUNTIME', operation: 'run', object, ...short, errno: ended.failed });
  }
  if (ended.failed === 'ENOENT') {
    const name = packageOf(command);
    return new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'run',
      object: command,
      reason: 'it is not installed',
      errno: 'ENOENT',
      hint: name === undefined ? `install ${command}` : `apt-get install ${name}`,
    });
  }
  if (ended.givenUp !== undefined) {
    return new NoAnswerError({ code: 'RUNTIME', operation: 'run', object, reason: ended.givenUp });
  }
  if (ended.signal !== undefined) {
    return new NoAnswerError({ code: 'RUNTIME', operation: 'run', object, reason: `killed by ${ended.signal}` });
  }
  const words = complaint(ended.stderr);
  if (ended.failed === 'EACCES' || DENIED.test(words)) {
    return new ClearDfError({
      code: 'PRIVILEGE',
      operation: 'run',
      object,
      reason: words || 'not allowed to run it',
      errno: ended.failed ?? 'EPERM',
      hint: 'run as root, or with CAP_NET_ADMIN',
    });
  }
  if (LOCKED.test(words)) {
    return new NoAnswerError({
      code: 'RUNTIME',
      operation: 'run',
      object,
      reason: 'another program holds the xtables lock',
      hint: 'see who holds it (fuser -v /run/xtables.lock), and try again when it is done',
    });
  }
  const reason = words || (ended.failed === undefined ? `exit code ${ended.exitCode}` : 'it cannot be started');
  return new ClearDfError({ code: 'RUNTIME', operation: 'run', object, reason, errno: ended.failed, cause: ended });
}

/**
 * A command that could not be started for now, that a signal ended, or that gave no answer in time: it says
 * nothing about what it would have found.
 */
export class NoAnswerError extends ClearDfError {}

/** What tools say of parts that the running kernel does not have. */
const NOT_IN_KERNEL = /not supported|do you need to insmod|FIB table does not exist|No such file or directory/i;

/**
 * Whether a command failed because the tool is not installed or the kernel lacks what it asks for: then there is nothing
 * to list. Whatever else failed has left the answer unknown.
 */
export function isAbsent(error: unknown): boolean {
  if (!(error instanceof ClearDfError) || error instanceof NoAnswerError) return false;
  return error.errno === 'ENOENT' || NOT_IN_KERNEL.test(error.reason);
}

function packageOf(command: string): string | undefined {
  return command.startsWith('iptables') ? 'iptables' : PACKAGES[command];
}

/** Advice, and what swanctl says of plugins that are not installed and of folders that it would not need. */
const NOISE =
  /^(# Warning|Try `|plugin '\S+': failed to load|opening directory '|no files found matching|strongSwan \S+ swanctl)/;

/** What a tool complained about, on one line, without its advice to read the manual. */
function complaint(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const usage = lines.findIndex((line) => /^usage:/i.test(line));
  const said = usage > 0 ? lines.slice(0, usage) : lines;
  return said.filter((line) => line !== '' && !NOISE.test(line)).join('; ');
}

/** An errno of Node's own file calls, by name, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException).code;
  return code !== undefined && code in constants.errno ? code : undefined;
}
