/** Completion in fish. */
import { type CommandNode, everyNode, type Flag, flagsBehind, type Values } from '../command-tree.js';

const HEAD = `# fish completion for clear-df, made by clear-df completion fish

function __clear_df_at --description 'whether the commands typed so far are these'
    set -l at
    for word in (commandline -opc)[2..]
        if contains -- "$at $word" $__clear_df_commands
            set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end

# /run/clear-df/tunnel-NAME-INODE.json; the inode is the network namespace's
function __clear_df_tunnels
    set -l inode (stat -Lc %i /proc/self/ns/net 2>/dev/null)
    for file in /run/clear-df/tunnel-*-$inode.json
        string replace --regex "^.*/tunnel-(.*)-$inode\\.json\\$" '$1' $file
    end
end

complete -c clear-df -f
`;

/** In single quotes fish knows two escapes. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** What a flag or an argument can be, as options of complete. */
function taken(values: Values): string {
  if (values === 'devices') return ` -a '(command ls /sys/class/net)'`;
  if (values === 'tunnels') return ` -a '(__clear_df_tunnels)'`;
  if (values === 'files') return ' -F';
  return values === 'any' ? '' : ` -a ${quoted(values.join(' '))}`;
}

/** A script to be sourced, or for a folder of $fish_complete_path. */
export function fishCompletion(root: CommandNode): string {
  const nodes = [...everyNode(root)];
  const paths = nodes.filter(({ words }) => words.length > 0).map(({ words }) => quoted(` ${words.join(' ')}`));
  const lines = nodes.flatMap((node) => linesOf(node, flagsBehind(node, root)));
  return [`${HEAD}\nset -g __clear_df_commands ${paths.join(' ')}\n`, ...lines, ''].join('\n');
}

function linesOf({ words, args, commands }: CommandNode, flags: readonly Flag[]): string[] {
  const start = `complete -c clear-df -n ${quoted(`__clear_df_at ${quoted(words.map((word) => ` ${word}`).join(''))}`)}`;
  return [
    ...commands.map((below) => `${start} -a ${below.words.at(-1)} -d ${quoted(below.about)}`),
    ...flags.map(({ short, long, about, value }) => {
      const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.slice(2)}`;
      // Without -r the value is optional, and fish offers none.
      const values = value === undefined ? '' : `${value.optional ? '' : ' -x'}${taken(value.values)}`;
      return `${start}${names} -d ${quoted(about)}${values.replace(' -x -F', ' -r -F')}`;
    }),
    ...args.slice(0, 1).flatMap(({ values }) => (values === 'any' ? [] : [`${start}${taken(values)}`])),
  ];
}
