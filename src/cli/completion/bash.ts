/** Completion in bash, without the package bash-completion. */
import { type CommandNode, everyNode, type Flag, flagsBehind, type Values } from '../command-tree.js';
import { quoted } from './quote.js';

const HEAD = `# bash completion for clear-df, made by clear-df completion bash

_clear_df_offer() {
	local IFS=$'\\n'
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_clear_df_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(
		compgen -f -- "$cur"
		[ -n "$cur" ] || compgen -G '/etc/clear-df/*.yaml'
	)
}

_clear_df_devices() {
	_clear_df_offer "$(cd /sys/class/net && printf '%s\\n' *)"
}

# /run/clear-df/tunnel-NAME-INODE.json; the inode is the network namespace's
_clear_df_tunnels() {
	local inode
	inode=$(stat -Lc %i /proc/self/ns/net 2>/dev/null)
	_clear_df_offer "$(compgen -G '/run/clear-df/tunnel-*' | sed -n "s/^.*\\/tunnel-\\(.*\\)-$inode\\.json\\$/\\1/p")"
}

_clear_df() {
	local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at='' word i
	COMPREPLY=()
	# bash cuts --flag=value at the sign.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$prev" = = ]; then
		prev=\${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=\${COMP_WORDS[i]}
		case "$at $word" in
`;

const kinds = { devices: '_clear_df_devices', files: '_clear_df_files', tunnels: '_clear_df_tunnels', any: ':' };

/** The command that offers these values. */
function offer(values: Values): string {
  if (typeof values === 'string') return kinds[values];
  return `_clear_df_offer ${quoted(values.join('\n'))}`;
}

/** A script to be sourced; the default command's flags can stand without its name. */
export function bashCompletion(root: CommandNode): string {
  const nodes = [...everyNode(root)];
  const paths = nodes.filter(({ words }) => words.length > 0).map(({ words }) => quoted(` ${words.join(' ')}`));
  return [
    HEAD + `\t\t${paths.join(' | ')}) at="$at $word" ;;`,
    '\t\tesac\n\tdone\n\tcase $at in',
    ...nodes.map((node) => branch(node, flagsBehind(node, root))),
    '\tesac\n}\n\ncomplete -F _clear_df clear-df\n',
  ].join('\n');
}

/** @param flags those of the command, or of the default one as well */
function branch({ words, args, commands }: CommandNode, flags: readonly Flag[]): string {
  const path = words.length === 0 ? "''" : quoted(` ${words.join(' ')}`);
  const taking = flags.filter(({ value }) => value !== undefined);
  const names = flags.flatMap(({ short, long }) => [...(short === undefined ? [] : [short]), long]);
  const below = commands.map((command) => command.words.at(-1) as string);
  return [
    `\t${path})`,
    '\t\tcase $prev in',
    ...taking.map(({ long, value }) => `\t\t${long})\n\t\t\t${offer(value?.values ?? 'any')}\n\t\t\treturn\n\t\t\t;;`),
    '\t\tesac',
    `\t\tcase $cur in`,
    `\t\t-*) _clear_df_offer ${quoted(names.join('\n'))} ;;`,
    `\t\t*) ${below.length > 0 ? offer(below) : offer(args[0]?.values ?? 'any')} ;;`,
    '\t\tesac\n\t\t;;',
  ].join('\n');
}
