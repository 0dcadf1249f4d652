/** The words of a rule line as `iptables-save` writes and `iptables-restore` reads them. */

/**
 * Splits a line as `add_param_to_argv` in iptables/xshared.c does: blanks separate, double quotes
 * group, a backslash inside quotes takes the next character as it is.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (quoted && char === '\\' && i + 1 < line.length) {
      word = (word ?? '') + line.charAt(++i);
    } else if (char === '"') {
      quoted = !quoted;
      word ??= '';
    } else if (!quoted && (char === ' ' || char === '\t')) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/**
 * Joins words so that {@link splitWords} gives them back. Comments are quoted where `iptables-save`
 * quotes them, other words only where they must be.
 */
export function joinWords(words: readonly string[]): string {
  return words
    .map((word, i) => {
      const bare = words[i - 1] === '--comment' ? /^[\w-]+$/ : /^[\w.,:/!+-]+$/;
      return bare.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
    })
    .join(' ');
}

/** The value behind an option, the first one of that name. */
export function valueOf(words: readonly string[], option: string): string | undefined {
  const at = words.indexOf(option);
  return at < 0 ? undefined : words[at + 1];
}

const NUMBERS: Record<string, string> = { udp: '17', gre: '47', esp: '50' };

/**
 * A rule's options in one spelling and order, to tell whether two lines mean the same: versions of
 * iptables print the same rule with other spacing, quoting, order, number bases and protocol names.
 */
export function canonical(words: readonly string[]): string {
  const options: string[][] = [];
  let current: string[] = [];
  words.forEach((word, i) => {
    const starts = word.startsWith('-') || (word === '!' && words[i + 1]?.startsWith('-'));
    if (starts && current[current.length - 1] !== '!') {
      current = [];
      options.push(current);
    }
    if (current.length === 0 && !starts) options.push(current);
    current.push(word);
  });
  return (
    options
      // Which module an option belongs to follows from the option.
      .filter(([option]) => option !== '-m')
      .map((parts) => parts.map((part, i) => (i === 0 ? part : spelling(parts[i - 1], part))).join(' '))
      .sort()
      .join('\n')
  );
}

function spelling(option: string | undefined, value: string): string {
  if (option === '-p') return NUMBERS[value] ?? value;
  if ((option === '-s' || option === '-d') && !value.includes('/')) return `${value}/32`;
  if (option === '--u32') return value.replace(/0x[\da-f]+|\d+/gi, (number) => String(Number(number)));
  return value;
}
