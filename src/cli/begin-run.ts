/** The first moment of what lasts, or changes a tunnel. */
import { type SignalWatch, watchSignals } from '../commands/signals.js';
import { outliveTerminals, terminals } from './terminal.js';

/** Watches signals; what becomes of a terminal's end is decided as well. */
export function beginRun(argv: readonly string[]): SignalWatch {
  // On a terminal, and without a file that HUP would read again, HUP says that the terminal has gone.
  const file = argv.some((word) => word === '--config' || word.startsWith('--config='));
  const started = terminals();
  outliveTerminals(started);
  return watchSignals({ hangup: !file && started.length > 0 });
}
