/** Where a C source can be changed by one operator or number, and into what. */

export interface Mutant {
  /** Offset of what is replaced. */
  at: number;
  from: string;
  to: string;
  /** Of the source, from 1; and its text. */
  line: number;
  text: string;
}

const BINARY: Readonly<Record<string, string>> = {
  '==': '!=',
  '!=': '==',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '&&': '||',
  '||': '&&',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '/',
  '&': '|',
  '|': '&',
  '^': '|',
  '<<': '>>',
  '>>': '<<',
  '+=': '-=',
  '-=': '+=',
  '&=': '|=',
  '|=': '&=',
  '^=': '|=',
};
const WORDS: Readonly<Record<string, string>> = { true: 'false', false: 'true' };
const STEPS: Readonly<Record<string, string>> = { '++': '--', '--': '++' };

/** Longer operators first; strings, characters and comments are read over. */
const TOKEN =
  /\/\*[^]*?\*\/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|^[ \t]*#[ \t]*(?:include|if|ifdef|ifndef|else|elif|endif).*$|[A-Za-z_]\w*|0[xX][\da-fA-F]+[uUlL]*|\d[\w.]*|->|<<=|>>=|\+\+|--|<<|>>|[=!<>+\-&|^*/%]=|&&|\|\||[^\s]/gm;

/** Every change of the text, in its order. */
export function mutants(source: string): Mutant[] {
  const found: Mutant[] = [];
  for (const token of source.matchAll(TOKEN)) {
    const from = token[0];
    const to = changed(from, source, token.index);
    if (to === undefined) continue;
    const before = source.slice(0, token.index);
    const line = before.split('\n').length;
    found.push({ at: token.index, from, to, line, text: (source.split('\n')[line - 1] ?? '').trim() });
  }
  return found;
}

function changed(token: string, source: string, at: number): string | undefined {
  if (token in WORDS) return WORDS[token];
  if (token in STEPS) return STEPS[token];
  if (/^\d/.test(token)) return oneMore(token);
  if (token === '!' || token === '~') return '';
  // clang-format sets a blank on both sides of what has two operands, and on neither of what has one.
  const spaced = /\s/.test(source[at - 1] ?? '') && /\s/.test(source[at + token.length] ?? '');
  return spaced ? BINARY[token] : undefined;
}

/** The number after it, in the same writing. */
function oneMore(number: string): string | undefined {
  const parts = /^(?:(0[xX])([\da-fA-F]+)|(\d+))([uUlL]*)$/.exec(number);
  if (parts === null) return undefined;
  const [, hex = '', digits = '', decimal = '', suffix = ''] = parts;
  const value = BigInt(hex + digits + decimal) + 1n;
  return hex === '' ? `${value}${suffix}` : `0x${value.toString(16)}${suffix}`;
}

/** The source with the change made. */
export function mutate(source: string, { at, from, to }: Mutant): string {
  return source.slice(0, at) + to + source.slice(at + from.length);
}
