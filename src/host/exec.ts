/**
 * The only place that starts commands: argument arrays, no shell. What reads goes by `query`, what
 * changes the machine by `change`, which is echoed so that a person can replay it and, under
 * dry run, only shown.
 */
import { constants } from 'node:os';
import { ClearDfError } from '../errors.js';
import { quoteWord, replayText } from '../net/replay.js';

export { replayText };

/** One change: the text that a person can replay, and what a command gets on its standard input. */
export interface Change {
  /** A shell line, with a here-document when there is input. */
  text: string;
  input?: string | undefined;
}

export interface RunnerOptions {
  /** Gets the text of every change before it is made. */
  log: { debug(message: string): void };
  /** Show changes instead of making them. */
  dryRun?: boolean;
  /** Where changes go under dry run. */
  print?: (change: Change) => void;
}

/** Runs commands on this machine. */
export interface Runner {
  readonly dryRun: boolean;
  /**
   * Runs a command that changes nothing and returns its standard output.
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

/** What iptables-legacy says while another program holds its lock, once a second. */
const LOCKED = /holding the xtables lock/i;

const DENIED = /operation not permitted|permission denied|must be root/i;

/** @throws nothing itself; see {@link Runner} */
export function createRunner({ log, dryRun = false, print = () => undefined }: RunnerOptions): Runner {
  return {
    dryRun,
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

async function run(command: string, args: readonly string[], input?: string): Promise<string> {
  // Only now: a run that installs no rules starts no command, and need not hold what would start one.
  const { execa } = await import('execa');
  const result = await execa(command, args, {
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    env: toolEnvironment(),
    reject: false,
    stripFinalNewline: false,
    timeout: TIMEOUT_MS,
    // In a session of its own: a Ctrl-C is for clear-df, and ends no firewall tool in mid-transaction. Such a tool
    // also outlives clear-df; it is a single transaction, and ends by itself.
    detached: true,
  });
  if (!result.failed) return result.stdout;
  throw failure(command, args, result);
}

/** The parts of execa's result that are read. */
interface Failed {
  code?: string | undefined;
  stderr?: string | undefined;
  exitCode?: number | undefined;
  timedOut: boolean;
  signal?: string | undefined;
  shortMessage?: string | undefined;
}

function failure(command: string, args: readonly string[], result: Failed): ClearDfError {
  const object = [command, ...args].map(quoteWord).join(' ');
  if (result.code === 'ENOENT') {
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
  const words = complaint(result.stderr ?? '');
  if (result.code === 'EACCES' || DENIED.test(words)) {
    return new ClearDfError({
      code: 'PRIVILEGE',
      operation: 'run',
      object,
      reason: words || 'not allowed to run it',
      errno: result.code ?? 'EPERM',
      hint: 'run as root, or with CAP_NET_ADMIN',
    });
  }
  if (LOCKED.test(words)) {
    return new ClearDfError({
      code: 'RUNTIME',
      operation: 'run',
      object,
      reason: 'another program holds the xtables lock',
      hint: 'see who holds it (fuser -v /run/xtables.lock), and try again when it is done',
      cause: result,
    });
  }
  const ending = result.timedOut
    ? `no answer within ${TIMEOUT_MS / 1000} s`
    : (result.shortMessage ?? `exit code ${result.exitCode}`);
  if (result.signal !== undefined && !result.timedOut) {
    return new KilledError({ code: 'RUNTIME', operation: 'run', object, reason: `killed by ${result.signal}` });
  }
  return new ClearDfError({ code: 'RUNTIME', operation: 'run', object, reason: words || ending, cause: result });
}

/** A command that somebody's signal ended: it says nothing about what the command would have found. */
export class KilledError extends ClearDfError {}

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
