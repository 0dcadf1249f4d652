/** The table of commands, each loaded when it is asked for: a daemon should not hold what only a tunnel is planned by. */
import { Command } from 'commander';
import type { SignalWatch } from '../commands/signals.js';
import { DEFAULT_COMMAND } from './default-command.js';

/** Makes a command; `signals` when they are watched already. */
type Maker = (signals?: SignalWatch) => Command;

interface Entry {
  /** One line, for the list of commands. */
  about: string;
  load: () => Promise<Maker>;
}

/** The command whose program has every command in full. */
export const WHOLE = 'completion';

/** In the order in which `--help` lists them. */
const COMMANDS: Record<string, Entry> = {
  run: {
    about: 'bind the queue and mangle until TERM (the default command)',
    load: async () => (await import('./run.js')).runCommand,
  },
  setup: {
    about: 'ask what is wanted, show the plan, and write the files for it',
    load: async () => (await import('./setup.js')).setupCommand,
  },
  tunnel: {
    about: 'a bridged GRE tunnel, from one YAML file per site',
    load: async () => (await import('./tunnel.js')).tunnelCommand,
  },
  net: {
    about: 'many sites from one YAML file: what becomes of a packet, and the files of every router',
    load: async () => (await import('./net.js')).netCommand,
  },
  doctor: {
    about: 'say what on this machine is right, wrong or unknown, and what to do',
    load: async () => (await import('./doctor.js')).doctorCommand,
  },
  trace: {
    about: 'show which tables and chains a flow passes, where clear-df sees it and where it is dropped',
    load: async () => (await import('./trace.js')).traceCommand,
  },
  probe: {
    about: 'find out what the path to a host carries: the largest packet with DF, and fragments',
    load: async () => (await import('./probe.js')).probeCommand,
  },
  rules: {
    about: 'the firewall rules that feed the queue',
    load: async () => (await import('./rules.js')).rulesCommand,
  },
  'fast-path': {
    about: 'the program in the kernel that clears DF of all that leaves by a device',
    load: async () => (await import('./fast-path.js')).fastPathCommand,
  },
  stats: {
    about: 'print the counters of the running clear-df',
    load: async () => (await import('./stats.js')).statsCommand,
  },
  top: {
    about: 'a live screen of the running clear-df: rates, graphs, queues, devices',
    load: async () => (await import('./top.js')).topCommand,
  },
  metrics: {
    about: 'print the counters once, as Prometheus reads them',
    load: async () => (await import('./metrics.js')).metricsCommand,
  },
  pcap: {
    about: 'apply the packet rules to a capture file: no root, no kernel',
    load: async () => (await import('./pcap.js')).pcapCommand,
  },
  bench: {
    about: 'measure what this machine can take, and say what a link would need (loads it for some seconds)',
    load: async () => (await import('./bench.js')).benchCommand,
  },
  [WHOLE]: {
    about: 'print a script that completes command lines in a shell',
    load: async () => (await import('./completion.js')).completionCommand,
  },
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** The names of the commands that a command line needs; of the others their lines of help will do. */
function neededCommands(argv: readonly string[]): readonly string[] {
  const [word = '--help'] = argv;
  // It is about all of them.
  if (word === WHOLE) return COMMAND_NAMES;
  if (Object.hasOwn(COMMANDS, word)) return [word];
  // Behind `--` any command may stand.
  if (argv.includes('--')) return COMMAND_NAMES;
  return word.startsWith('-') && !argv.some((each) => each === '--help' || each === '-h') ? [DEFAULT_COMMAND] : [];
}

/** Every command, those that the command line needs in full. */
export async function commandsFor(argv: readonly string[], signals?: SignalWatch): Promise<Command[]> {
  const needed = neededCommands(argv);
  return Promise.all(
    Object.entries(COMMANDS).map(async ([name, { about, load }]) => {
      const command = needed.includes(name) ? (await load())(signals) : new Command(name);
      return command.description(about);
    }),
  );
}
