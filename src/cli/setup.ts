/** `clear-df setup`: asks what is wanted, shows the plan, and writes the files for it. */
import { Command } from 'commander';
import { type SetupPerson, setUp } from '../commands/setup.js';
import { type AnswerName, type Answers, CARRIERS, PURPOSES, YES_NO } from '../commands/setup/questions.js';
import { exitCodeOf, type SignalWatch, watchSignals } from '../commands/signals.js';
import { ClearDfError } from '../errors.js';
import { createLogger, type LogLevel } from '../log.js';
import { type Explanation, explain } from './explain.js';
import { addLogOptions, WordOption } from './option.js';
import { canAsk, question } from './question.js';
import { ownCommand } from './tunnel.js';

const DETAILS: Explanation = {
  text: `
Three things can be set up: one Ethernet over two sites, a path with a smaller MTU, and a tunnel that is here already.
What a flag has answered is not asked; in brackets stands what this machine suggests, and Enter takes it. Nothing is
written before the plan has been shown and agreed to, and then files only: nothing is started.`,
  examples: [
    ['clear-df setup', 'question by question'],
    ['clear-df setup --purpose bridge --remote 172.16.0.1 --dry-run', 'the files and the plan, as suggested'],
    ['clear-df setup --purpose tunnel --out-dev gretap1 --yes', 'in a script'],
  ],
  files: ['options', 'site'],
  see: ['clear-df-tunnel(1)', 'clear-df-run(1)', 'clear-df-doctor(1)'],
};

type Flags = Record<string, string | undefined> & {
  yes?: boolean;
  dryRun?: boolean;
  output: string;
  logLevel: LogLevel;
};

/** The command, for the table of commands; `signals` when they are watched already. */
export function setupCommand(watched?: SignalWatch): Command {
  return addLogOptions(explain(new Command('setup'), DETAILS))
    .addOption(new WordOption('--purpose <purpose>', 'what is wanted', PURPOSES))
    .option('--name <name>', 'bridge: the name of this end (default: site-a)')
    .option('--remote <address>', 'bridge: the other router')
    .option('--underlay <device>', 'bridge: towards it')
    .option('--local <address>', 'bridge: this router, as the other one sees it')
    .option('--port <device>', 'bridge: towards the hosts')
    .addOption(
      new WordOption('--move-addresses <answer>', "bridge: whether the port's addresses go to the bridge", YES_NO),
    )
    .addOption(new WordOption('--carrier <carrier>', 'bridge: how the frames cross', CARRIERS))
    .option('--in-dev <device>', 'path: where packets come in')
    .option('--out-dev <device>', 'path: where they leave; tunnel: the tunnel device')
    .option('--queue <number>', 'path, tunnel: the queue (default: the first that is free)')
    .addOption(new WordOption('--unit <answer>', 'bridge: whether a unit for systemd is written', YES_NO))
    .option('--output <folder>', 'where the files go', '/etc/clear-df')
    .option('--yes', 'ask nothing: take what is suggested, and write the files')
    .option('--dry-run', 'ask nothing: show the files and the plan, and write nothing')
    .action((flags: Flags) => setup(flags, watched));
}

async function setup(flags: Flags, watched?: SignalWatch): Promise<void> {
  const { yes = false, dryRun = false, output, logLevel } = flags;
  if (!yes && !dryRun && !canAsk()) throw noTerminal();
  const signals = watched ?? watchSignals({ hangup: true });
  try {
    const request = { given: givenBy(flags), folder: output, dryRun, command: ownCommand() };
    const written = await setUp(
      request,
      yes || dryRun ? silent(yes) : atTerminal(signals.stop),
      createLogger(logLevel),
      signals.stop,
    );
    if (!written && !dryRun) process.stderr.write('clear-df: nothing was written\n');
  } catch (error) {
    if (!(error instanceof Ended) && signals.stopping === undefined) throw error;
    process.stderr.write('clear-df: nothing was written\n');
    process.exitCode = signals.stopping === undefined ? 1 : exitCodeOf(signals.stopping);
  } finally {
    if (watched === undefined) signals.dispose();
  }
}

function noTerminal(): ClearDfError {
  const hint = 'add --yes, with the answers as flags; or --dry-run';
  return new ClearDfError({ code: 'USAGE', operation: 'ask', reason: 'there is no terminal to ask at', hint });
}

/** Camel case is commander's. */
function givenBy(flags: Flags): Answers {
  const flagOf = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const others = ['yes', 'dryRun', 'output', 'logLevel', 'logFormat'];
  const given = Object.entries(flags).filter(([key, value]) => !others.includes(key) && value !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [flagOf(key) as AnswerName, value]));
}

/** ^D at a question, or a signal. */
class Ended extends Error {}

const print = (text: string): void => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);

function silent(agrees: boolean): SetupPerson {
  return { print, answer: async () => undefined, agrees: async () => agrees };
}

function atTerminal(stop: AbortSignal): SetupPerson {
  const ask = async (text: string): Promise<string> => {
    const line = await question(text, stop);
    if (line === undefined) throw new Ended();
    return line;
  };
  return {
    print,
    async answer({ text, words }, suggested, refused) {
      if (refused !== undefined) process.stderr.write(`${refused}\n`);
      const [head, ...more] = text.split('\n');
      const about = more.length === 0 ? '' : `${head}\n${more.join('\n')}\n`;
      const choice = words !== undefined && more.length === 0 ? ` (${words.join(', ')})` : '';
      const prompt = `${about === '' ? head : '  which'}${choice}${suggested === undefined ? '' : ` [${suggested}]`}: `;
      if (about !== '' && refused === undefined) process.stderr.write(about);
      for (;;) {
        const line = await ask(prompt);
        if (line !== '') return line;
        if (suggested !== undefined) return suggested;
      }
    },
    agrees: async () => /^y(es)?$/i.test(await ask('Write these files? (yes, no) [no]: ')),
  };
}
