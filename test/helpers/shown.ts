/** What several commands print, in one go: a process for each costs more than what most of them do. */
import type { Namespace } from './netns.js';

/** Stands before each part, and in no command's output. */
const MARK = '\u{1e}';

/**
 * The standard output of each command, a line of shell; '' where one fails or is not there.
 * @param commands by name
 */
export async function shown<T extends string>(at: Namespace, commands: Record<T, string>): Promise<Record<T, string>> {
  const lines = Object.entries<string>(commands).map(([name, line]) => `printf '\\036%s\\n' '${name}'\n${line}\n`);
  const { stdout } = await at.try('sh', ['-c', `exec 2>/dev/null\n${lines.join('')}`]);
  const parts = stdout.split(MARK).slice(1);
  // The newline behind the very last is not handed over.
  const texts = parts.map((part) => `${part}\n`.split(/\n([^]*)/) as [T, string]);
  return Object.fromEntries(texts) as Record<T, string>;
}
