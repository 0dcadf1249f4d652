/** The commands as data, read off the command line's own definition: what completions and manual pages are made of. */
import type { Argument, Command, Option } from 'commander';
import { OPTIONS } from '../commands/option-table.js';
import { DEFAULT_COMMAND } from './default-command.js';
import { explanationOf, type Explanation } from './explain.js';
import { WordOption } from './option.js';
import { TableOption } from './table-option.js';

/** What a value can be completed with: these words, or what the machine has of a kind. */
export type Values = readonly string[] | 'devices' | 'files' | 'tunnels' | 'any';

export interface Flag {
  /** `-h` */
  short: string | undefined;
  /** `--help` */
  long: string;
  about: string;
  /** Heading in `--help`. */
  group: string | undefined;
  /** Undefined for a flag alone. */
  value: { name: string; optional: boolean; values: Values } | undefined;
}

export interface CommandNode {
  /** `['tunnel', 'up']`; none: `clear-df` itself. */
  words: readonly string[];
  about: string;
  args: readonly { name: string; required: boolean; about: string; values: Values }[];
  flags: readonly Flag[];
  explanation: Explanation;
  commands: readonly CommandNode[];
}

/** `clear-df` with all that is below it. @param root the program, its commands in full */
export function commandTree(root: Command): CommandNode {
  return nodeOf(root, []);
}

/** A node and all that are below it, in the order of `--help`. */
export function* everyNode(node: CommandNode): Generator<CommandNode> {
  yield node;
  for (const below of node.commands) yield* everyNode(below);
}

/** The flags that can stand behind a command; those of the default command also where its name is left out. */
export function flagsBehind(node: CommandNode, root: CommandNode): readonly Flag[] {
  const run = root.commands.find(({ words }) => words[0] === DEFAULT_COMMAND);
  if (node !== root || run === undefined) return node.flags;
  return [...root.flags, ...run.flags.filter(({ long }) => long !== '--help')];
}

function nodeOf(command: Command, words: readonly string[]): CommandNode {
  const help = command.createHelp();
  return {
    words,
    about: command.description(),
    args: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      required: argument.required,
      about: argument.description,
      values: valuesOfArgument(argument),
    })),
    flags: help.visibleOptions(command).map(flagOf),
    explanation: explanationOf(command),
    commands: command.commands.map((below) => nodeOf(below, [...words, below.name()])),
  };
}

function flagOf(option: Option): Flag {
  const { short, long, flags, optional, required, helpGroupHeading: group } = option;
  const name = /[<[](.+)[>\]]/.exec(flags)?.[1] ?? '';
  return {
    ...{ short, long: long ?? flags, group, about: aboutOf(option) },
    value: required || optional ? { name, optional, values: valuesOf(option, name) } : undefined,
  };
}

/** The help of a flag with its default, as `--help` has it. */
function aboutOf({ description, defaultValue, defaultValueDescription, negate }: Option): string {
  if (defaultValue === undefined || negate) return description;
  return `${description} (default ${defaultValueDescription ?? String(defaultValue)})`;
}

function valuesOf(option: Option, name: string): Values {
  if (option instanceof WordOption) return option.words;
  if (option instanceof TableOption) {
    const words = wordsOf(OPTIONS[option.entry].accepted);
    if (words.length > 0) return words;
  }
  return valuesNamed(name);
}

function valuesOfArgument(argument: Argument): Values {
  return argument.argChoices ?? valuesNamed(argument.name());
}

function valuesNamed(name: string): Values {
  if (name === 'device') return 'devices';
  if (name === 'name') return 'tunnels';
  return ['file', 'folder', 'IN', 'OUT'].includes(name) ? 'files' : 'any';
}

/** Of `gre, esp, udp:PORT or all` the words that can be typed as they stand; none where it is no list of words. */
function wordsOf(accepted: string): string[] {
  const parts = accepted.split(/, | or /);
  if (parts.length < 2 || parts.some((part) => !/^[\w:.-]+$/.test(part))) return [];
  return parts.filter((part) => /^[a-z][a-z-]*$/.test(part));
}
