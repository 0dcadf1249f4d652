#!/usr/bin/env node
/** Decides what has to be loaded, and in which order: whoever asks for little shall not wait for the rest. */
import type { SignalWatch } from '../commands/signals.js';
import { printPage } from './pipes.js';
import { version } from './version.js';

/** `run` is the default command: a flag that only prints something is no run. What changes a tunnel ends whole, too. */
function isRun([word, verb]: readonly string[]): boolean {
  if (word === 'tunnel') return verb === 'up' || verb === 'down';
  return word === 'run' || (word?.startsWith('-') === true && !['--help', '-h', '--version', '-V'].includes(word));
}

/** Signals are watched before anything heavy is loaded, so that none of them finds a run without an answer. */
async function beginRun(argv: string[]): Promise<SignalWatch> {
  // What lasts is to be small, from its first moment; a command that ends soon, or reads a large capture, is to be quick.
  (await import('./v8.js')).keepSmall();
  return (await import('./begin-run.js')).beginRun(argv);
}

async function start(argv: string[]): Promise<void> {
  const signals = isRun(argv) ? await beginRun(argv) : undefined;
  const { main } = await import('./program.js');
  process.exitCode = await main(argv, signals);
}

const argv = process.argv.slice(2);
if (argv[0] === '--version' || argv[0] === '-V') {
  // Asked by scripts, again and again: nothing else is loaded for it.
  printPage(`${version()}\n`);
} else {
  // Not awaited: CommonJS, which this becomes, cannot.
  void start(argv);
}
