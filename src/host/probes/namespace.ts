/** A network namespace in which things are tried, and which goes whatever happens. */
import { readdirSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import type { Runner } from '../exec.js';
import { isAlive } from '../process.js';

const PREFIX = 'clear-df-probe-';
const FOLDER = '/run/netns';

/** They enter a namespace themselves: one program is started instead of two. */
const ENTERING: readonly string[] = ['ip', 'tc'];

export interface PrivateNamespace {
  name: string;
  /** Runs a command inside. @throws ClearDfError as {@link Runner.query} */
  run(command: string, args: readonly string[], input?: string): Promise<string>;
}

/**
 * Makes a namespace, hands it over, and removes it. One that a killed process left behind goes as well.
 * @param use gets undefined, and why, where namespaces cannot be made
 */
export async function inPrivateNamespace<T>(
  runner: Runner,
  use: (namespace: PrivateNamespace | undefined, reason: string) => Promise<T>,
): Promise<T> {
  await sweep(runner);
  const name = `${PREFIX}${process.pid}`;
  const run: PrivateNamespace['run'] = (command, args, input) =>
    ENTERING.includes(command)
      ? runner.query(command, ['-n', name, ...args], input)
      : runner.query('ip', ['netns', 'exec', name, command, ...args], input);
  let reason = '';
  try {
    await runner.query('ip', ['netns', 'add', name]);
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    reason = `no network namespace could be made to try it in: ${error.reason}`;
  }
  if (reason !== '') return use(undefined, reason);
  try {
    return await use({ name, run }, '');
  } finally {
    await remove(runner, name);
  }
}

async function sweep(runner: Runner): Promise<void> {
  for (const name of names()) {
    const pid = Number(/^\d+$/.exec(name.slice(PREFIX.length))?.[0] ?? NaN);
    if (Number.isInteger(pid) && (pid === process.pid || !isAlive(pid))) await remove(runner, name);
  }
}

function names(): string[] {
  try {
    return readdirSync(FOLDER).filter((name) => name.startsWith(PREFIX));
  } catch {
    return [];
  }
}

async function remove(runner: Runner, name: string): Promise<void> {
  try {
    await runner.query('ip', ['netns', 'delete', name]);
  } catch (error) {
    // Nothing depends on it; the next probe tries again.
    if (!(error instanceof ClearDfError)) throw error;
  }
}
