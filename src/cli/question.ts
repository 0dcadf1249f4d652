/** Questions to the person at the terminal. */
import { createInterface } from 'node:readline/promises';

/**
 * One line from standard input, without blanks around it.
 * @param stop ends the question; ^C is the process's own SIGINT, as it is while nothing is asked
 * @returns undefined when the input ends (^D), or at `stop`
 */
export async function question(text: string, stop: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new AbortController();
  const end = () => ended.abort();
  lines.on('close', end);
  stop.addEventListener('abort', end, { once: true });
  if (stop.aborted) end();
  try {
    return (await lines.question(text, { signal: ended.signal })).trim();
  } catch (error) {
    if (!ended.signal.aborted) throw error;
    process.stderr.write('\n');
    return undefined;
  } finally {
    stop.removeEventListener('abort', end);
    lines.close();
  }
}

/** Whether a person can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}
