/** One command of a plan, carried out: echoed without its secrets, and without a tool where none is needed. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../../errors.js';
import type { Command } from '../../tunnel/item.js';
import { FAST_PATH_COMMAND } from '../../tunnel/items/fast-path.js';
import { type Runner, replayText } from '../exec.js';
import { performFastPath } from '../fast-path.js';
import { installFile } from '../install-file.js';
import { withModuleLock } from '../module-lock.js';
import { unloadModule } from '../modules.js';
import { writeSysctl } from '../sysctl.js';

/** As the third word of `install -m MODE /dev/stdin FILE`. */
const STDIN = '/dev/stdin';

/** What was said by a command that may fail, and did. */
export interface Performed {
  /** Why it had no effect; undefined when it had one. */
  excuse?: string;
}

/**
 * @param log where a command with secrets is echoed as it may be shown; the runner echoes all others
 * @throws ClearDfError of the command, without the secrets of its input
 */
export async function perform(
  runner: Runner,
  command: Command,
  log: { debug(message: string): void },
): Promise<Performed> {
  try {
    return await run(runner, command, log);
  } catch (error) {
    if (error instanceof ClearDfError && command.mayFail === true) return { excuse: error.reason };
    throw error;
  }
}

async function run(runner: Runner, command: Command, log: { debug(message: string): void }): Promise<Performed> {
  const [program = '', ...args] = command.argv;
  if (program === 'sysctl' && args[0] === '-w') {
    for (const assignment of args.slice(1)) {
      const at = assignment.indexOf('=');
      await writeSysctl(runner, assignment.slice(0, at), assignment.slice(at + 1));
    }
    return {};
  }
  if (program === 'modprobe' && args[0] === '-r') {
    const excuse = await withModuleLock(runner, () => unloadModule(runner, args[1] ?? ''));
    return excuse === undefined ? {} : { excuse };
  }
  if (program === 'modprobe' && !runner.dryRun) {
    await withModuleLock(runner, () => load(runner, args));
    return {};
  }
  if (program === FAST_PATH_COMMAND[0] && args[0] === FAST_PATH_COMMAND[1]) {
    await runner.effect(replayText(program, args), () => performFastPath(args.slice(1)));
    return {};
  }
  if (program === 'install' && args[2] === STDIN) {
    const [, mode = '', , file = ''] = args;
    const text = replayText(program, args, command.shown ?? command.input);
    // Not by the tool: it opens its standard input anew, and Node's is a socket, which cannot be opened (ENXIO).
    await runner.effect(text, () => installFile(file, mode, command.input ?? ''));
    return {};
  }
  if (command.shown === undefined || runner.dryRun) {
    // Under dry run the text is all that is made of it.
    await runner.change(program, args, command.shown ?? command.input);
    if (program === 'ip' && args[0] === 'l2tp' && args[1] === 'del' && !runner.dryRun) await l2tpGone(runner, args);
    return {};
  }
  log.debug(replayText(program, args, command.shown));
  try {
    await runner.query(program, args, command.input);
  } catch (error) {
    throw error instanceof ClearDfError ? withoutSecrets(error, command) : error;
  }
  return {};
}

/** The kernel lets go of a session or tunnel later than it answers (`l2tp_session_delete` since 6.12): what comes next would find it. */
const GONE_TRIES = 50;
const GONE_PAUSE_MS = 100;

async function l2tpGone(runner: Runner, [object = '', , ...which]: readonly string[]): Promise<void> {
  for (let tries = 1; tries <= GONE_TRIES; tries += 1) {
    const left = await runner.query('ip', ['-j', object, 'show', ...which]).catch(() => '');
    if (!left.includes('_id"')) return;
    await pause(GONE_PAUSE_MS);
  }
}

/** The kernel answers EBUSY while another process loads the same module: two tunnels at boot, for example. */
const BUSY = /resource busy/i;
const BUSY_TRIES = 20;
const BUSY_PAUSE_MS = 100;

async function load(runner: Runner, args: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await runner.change('modprobe', args);
      return;
    } catch (error) {
      if (!(error instanceof ClearDfError) || !BUSY.test(error.reason) || tries === BUSY_TRIES) throw error;
      await pause(BUSY_PAUSE_MS);
    }
  }
}

/** `ip` repeats the word that it does not like: words of the input that may not be shown are taken out. */
function withoutSecrets(error: ClearDfError, { input = '', shown = '' }: Command): ClearDfError {
  const open = new Set(words(shown));
  const secrets = words(input).filter((word) => !open.has(word));
  const reason = secrets
    .sort((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '…').replaceAll(secret.replace(/^0x/, ''), '…'), error.reason);
  return new ClearDfError({ ...error, reason, cause: undefined });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
