/** Completion in zsh, by its own _arguments. */
import { type CommandNode, everyNode, type Flag, flagsBehind, type Values } from '../command-tree.js';
import { quoted } from './quote.js';

const HEAD = `#compdef clear-df
# made by clear-df completion zsh

_clear_df_devices() {
	local -a devices=(/sys/class/net/*(N:t))
	compadd -a devices
}

# /run/clear-df/tunnel-NAME-INODE.json; the inode is the network namespace's
_clear_df_tunnels() {
	local inode=$(stat -Lc %i /proc/self/ns/net 2>/dev/null)
	local -a names=(/run/clear-df/tunnel-*-$inode.json(N:t))
	names=(\${\${names#tunnel-}%-$inode.json})
	compadd -a names
}

_clear_df_files() {
	_alternative 'files:file:_files' 'sites:site file:_files -W /etc/clear-df -P /etc/clear-df/ -g "*.yaml"'
}
`;

const kinds = { devices: '_clear_df_devices', files: '_clear_df_files', tunnels: '_clear_df_tunnels', any: ' ' };

/** A script for a folder of $fpath, as \`_clear-df\`. */
export function zshCompletion(root: CommandNode): string {
  const functions = [...everyNode(root)].map((node) => functionOf(node, flagsBehind(node, root)));
  return [HEAD, ...functions, `${nameOf(root.words)} "$@"\n`].join('\n');
}

function nameOf(words: readonly string[]): string {
  return ['_clear_df_command', ...words].join('_').replaceAll('-', '_');
}

function action(values: Values): string {
  return typeof values === 'string' ? kinds[values] : `(${values.join(' ')})`;
}

/** Text inside of a specification: colons and brackets end its parts. */
function plain(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function functionOf({ words, args, commands }: CommandNode, flags: readonly Flag[]): string {
  const specs = flags.flatMap(({ short, long, about, value }) => {
    const taken =
      value === undefined ? '' : `${value.optional ? '::' : ':'}${plain(value.name)}:${action(value.values)}`;
    return [...(short === undefined ? [] : [short]), long].map((name) => {
      const ends = value === undefined ? '' : value.optional ? '=-' : '=';
      return `${name}${ends}[${plain(about)}]${taken}`;
    });
  });
  const operands =
    commands.length > 0
      ? ['1: :->command', '*:: :->rest']
      : args.map(({ name, required, values }) => `${required ? ':' : '::'}${plain(name)}:${action(values)}`);
  const all = [...specs, ...operands].map((spec) => `\t\t${quoted(spec)}`).join(' \\\n');
  const call = `\t_arguments -s -C \\\n${all}`;
  if (commands.length === 0) return `${nameOf(words)}() {\n${call}\n}\n`;
  const named = commands.map((below) => `\t\t${quoted(`${plain(below.words.at(-1) ?? '')}:${below.about}`)}`);
  const branches = commands.map((below) => `\t\t${below.words.at(-1)}) ${nameOf(below.words)} ;;`);
  return `${nameOf(words)}() {
	local -a line commands=(
${named.join('\n')}
	)
	local state
${call}
	case $state in
	command) _describe command commands ;;
	rest)
		case $line[1] in
${branches.join('\n')}
		esac
		;;
	esac
}
`;
}
