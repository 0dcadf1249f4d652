/** The manual page of a command. */
import type { CommandNode, Flag } from '../../src/cli/command-tree.js';
import { EXIT_STATUS, FILES } from '../../src/cli/explain.js';
import { head, list, literal, prose, reference, seeAlso, word } from './mdoc.js';

export interface Page {
  /** `clear-df-run.1` */
  file: string;
  text: string;
}

/** `clear-df-tunnel-up` */
function nameOf(words: readonly string[]): string {
  return ['clear-df', ...words].join('-');
}

/** @param parent the command that it is one of */
export function commandPage(node: CommandNode, parent: CommandNode | undefined, date: string): Page {
  const { words, about, args, flags, explanation, commands } = node;
  const name = nameOf(words);
  // A verb's files are those of its group.
  const { text, examples = [], exit, files = [], see = [] } = { ...inherited(node, parent), ...explanation };
  const sections = [
    head(name, 1, about, date),
    `.Sh SYNOPSIS\n${synopsis(node)}`,
    `.Sh DESCRIPTION\n${prose(`${sentence(about)}\n\n${text ?? ''}`)}`,
    ...(args.length === 0 ? [] : [`${list(args.map((arg) => [`Ar ${word(arg.name)}`, prose(sentence(arg.about))]))}`]),
    ...(commands.length === 0 ? [] : [`.Sh COMMANDS\n${list(commands.map(commandItem))}`]),
    `.Sh OPTIONS\n${groups(flags).join('\n')}`,
    ...(files.length === 0 ? [] : [`.Sh FILES\n${list(files.map((file) => fileItem(FILES[file])))}`]),
    `.Sh EXIT STATUS\n${exitStatus(exit)}`,
    ...(examples.length === 0 ? [] : [`.Sh EXAMPLES\n${examples.map(exampleText).join('\n.Pp\n')}`]),
    seeAlso(related(node, parent, see)),
  ];
  return { file: `${name}.1`, text: `${sections.join('\n')}\n` };
}

function inherited({ words }: CommandNode, parent: CommandNode | undefined): CommandNode['explanation'] {
  if (parent === undefined || parent.words.length === 0) return {};
  const { files, see, examples } = parent.explanation;
  const start = `clear-df ${words.join(' ')} `;
  const own = examples?.filter(([line]) => `${line} `.startsWith(start)) ?? [];
  return { ...(files === undefined ? {} : { files }), ...(see === undefined ? {} : { see }), examples: own };
}

function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? '' : '.';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}

function synopsis({ words, args, commands, flags }: CommandNode): string {
  const command = words.map((each) => `.Cm ${word(each)}`);
  if (commands.length > 0) return ['.Nm clear-df', ...command, '.Ar command', '.Op Ar argument ...'].join('\n');
  return [
    '.Nm clear-df',
    ...command,
    ...(flags.length > 0 ? ['.Op Ar option ...'] : []),
    ...args.map(({ name, required }) => `.${required ? '' : 'Op '}Ar ${word(name)}`),
  ].join('\n');
}

function commandItem({ words, about }: CommandNode): readonly [string, string] {
  return [reference(`${nameOf(words)}(1)`), prose(sentence(about))];
}

function groups(flags: readonly Flag[]): string[] {
  const names = [...new Set(flags.map(({ group }) => group))];
  return names.map((name) => {
    const items = flags.filter(({ group }) => group === name).map(flagItem);
    // The last group is that of --help.
    const title = name === undefined ? (names.length > 1 ? 'Other' : undefined) : name.replace(/:$/, '');
    return `${title === undefined ? '' : `.Ss ${word(title)}\n`}${list(items)}`;
  });
}

function flagItem({ short, long, about, value }: Flag): readonly [string, string] {
  const names = `${short === undefined ? '' : `Fl ${short.slice(1)} , `}Fl Fl ${long.slice(2)}`;
  const taken = value === undefined ? '' : ` ${value.optional ? 'Op ' : ''}Ar ${word(value.name)}`;
  return [names + taken, prose(sentence(about))];
}

function fileItem([file, about]: readonly [string, string]): readonly [string, string] {
  return [`Pa ${file}`, prose(sentence(about))];
}

function exitStatus(exit: string | undefined): string {
  const own = exit === undefined ? '' : `${prose(sentence(exit))}\nOthers as everywhere:\n`;
  return own + list(EXIT_STATUS.map(([code, meaning]) => [String(code), prose(sentence(meaning))]));
}

function exampleText([line, purpose]: readonly [string, string]): string {
  return `${prose(sentence(purpose))}\n${literal(line)}`;
}

function related({ words, commands }: CommandNode, parent: CommandNode | undefined, see: readonly string[]): string[] {
  const near = [...(words.length === 0 ? [] : [[]]), ...(parent === undefined ? [] : [parent.words])];
  const siblings = parent === undefined || parent.words.length === 0 ? [] : parent.commands.map((other) => other.words);
  const pages = [...near, ...siblings, ...commands.map((below) => below.words)].map((each) => `${nameOf(each)}(1)`);
  const own = `${nameOf(words)}(1)`;
  const formats = words[0] === 'tunnel' || words.length === 0 ? ['clear-df-site(5)'] : [];
  const options = words[0] === 'run' || words.length === 0 ? ['clear-df.yaml(5)'] : [];
  return [...pages, ...formats, ...options, ...see].filter((page) => page !== own);
}
