/** Commands as a person can paste them into a POSIX shell. */

/** A command as a person can paste it into a shell; input becomes a here-document. */
export function replayText(command: string, args: readonly string[], input?: string): string {
  const line = [command, ...args].map(quoteWord).join(' ');
  if (input === undefined) return line;
  const lines = input.split('\n');
  let end = 'EOF';
  while (lines.includes(end)) end += '_';
  return `${line} <<'${end}'\n${input}${input.endsWith('\n') ? '' : '\n'}${end}`;
}

/** Quotes a word for a POSIX shell when it needs it. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
