/** The table of commands, each loaded when it is asked for: a daemon should not hold what only a tunnel is planned by. */
import type { Command } from 'commander';
import type { SignalWatch } from '../commands/signals.js';

/** Makes a command; `signals` when they are watched already. */
type Maker = (signals?: SignalWatch) => Command;

/** In the order in which `--help` lists them. */
const COMMANDS: Record<string, () => Promise<Maker>> = {
  run: async () => (await import('./run.js')).runCommand,
  tunnel: async () => (await import('./tunnel.js')).tunnelCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  trace: async () => (await import('./trace.js')).traceCommand,
  probe: async () => (await import('./probe.js')).probeCommand,
  rules: async () => (await import('./rules.js')).rulesCommand,
  'fast-path': async () => (await import('./fast-path.js')).fastPathCommand,
  stats: async () => (await import('./stats.js')).statsCommand,
  metrics: async () => (await import('./metrics.js')).metricsCommand,
  pcap: async () => (await import('./pcap.js')).pcapCommand,
  bench: async () => (await import('./bench.js')).benchCommand,
};

/** What a command line without a command is given to. */
export const DEFAULT_COMMAND = 'run';

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Words by which commander shows, or looks for, more than the first word says. */
const WIDER = ['--help', '-h', '--'];

/** The names of the commands that a command line needs; all of them where they are listed. */
export function neededCommands(argv: readonly string[]): readonly string[] {
  const [word = ''] = argv;
  if (Object.hasOwn(COMMANDS, word)) return [word];
  if (word === '--version') return [];
  return word.startsWith('-') && !argv.some((each) => WIDER.includes(each)) ? [DEFAULT_COMMAND] : COMMAND_NAMES;
}

/** The commands of these names, made. */
export async function makeCommands(names: readonly string[], signals?: SignalWatch): Promise<Command[]> {
  const commands: Command[] = [];
  for (const name of names) commands.push((await (COMMANDS[name] as () => Promise<Maker>)())(signals));
  return commands;
}
