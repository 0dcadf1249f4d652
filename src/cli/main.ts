#!/usr/bin/env node
/**
 * The first moment of the process: signals are watched before anything heavy is loaded, so that none of them finds
 * a run without an answer.
 */
import { type SignalWatch, watchSignals } from '../commands/signals.js';
import { toleratePipes } from './pipes.js';
import { outliveTerminals, terminals } from './terminal.js';
import { keepSmall } from './v8.js';
import { version } from './version.js';

/** `run` is the default command: a flag that only prints something is no run. What changes a tunnel ends whole, too. */
function isRun([word, verb]: readonly string[]): boolean {
  if (word === 'tunnel') return verb === 'up' || verb === 'down';
  return word === 'run' || (word?.startsWith('-') === true && !['--help', '-h', '--version', '-V'].includes(word));
}

/** On a terminal, and without a file that HUP would read again, HUP says that the terminal has gone. */
function watch(argv: readonly string[]): SignalWatch {
  const file = argv.some((word) => word === '--config' || word.startsWith('--config='));
  const started = terminals();
  outliveTerminals(started);
  return watchSignals({ hangup: !file && started.length > 0 });
}

const argv = process.argv.slice(2);
const runs = isRun(argv);
const signals = runs ? watch(argv) : undefined;
// What lasts is to be small; a command that ends soon, or reads a large capture, is to be quick.
if (runs) keepSmall();
if (argv[0] === '--version' || argv[0] === '-V') {
  // Asked by scripts, again and again: nothing else is loaded for it.
  toleratePipes();
  process.stdout.write(`${version()}\n`);
} else {
  const { main } = await import('./program.js');
  process.exitCode = await main(argv, signals);
}
