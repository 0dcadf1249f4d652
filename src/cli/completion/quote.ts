/** A text as one word of a POSIX shell, zsh and (but for a backslash) fish. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
