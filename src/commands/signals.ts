/**
 * The signals of a run, from the first moment of the process on: TERM, INT and QUIT end it, USR2 too, for another one that
 * follows, HUP reloads it. One more a second later, or a third one, ends the process at once. The others that would end it, or open Node's debugger, are
 * ignored.
 */
import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import { errorSink } from '../log/standard-error.js';

/** Ends a run that the next one follows. */
export const HAND_OVER = 'SIGUSR2';

type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | typeof HAND_OVER;

const STOPS = ['SIGTERM', 'SIGINT', 'SIGQUIT', HAND_OVER] as const;

/**
 * Supervisors send two: `timeout` one to the process and one to its group, `systemctl` and a shell to all of a session.
 * Milliseconds from the first one in which a second one is the same wish.
 */
const SAME_MS = 1000;
/** Whoever sends so many means it. */
const AT_ONCE = 3;

/** Node's own answer to USR1 is a debugger on 127.0.0.1, where any local user could run code as this one. */
const IGNORED = ['SIGUSR1', 'SIGALRM'] as const;

/** The service, as far as signals reach it. */
interface SignalReceiver {
  reload(): void;
  ignored(signal: string): void;
}

export interface SignalWatch {
  /** Resolves at the first signal that ends a run, also when it came before anyone waited. */
  readonly stopped: Promise<StopSignal>;
  /** Whether such a signal has come. */
  readonly stopping: StopSignal | undefined;
  /** Aborted by it, with its name as the reason. */
  readonly stop: AbortSignal;
  /** Who gets HUP from now on; one that came before is handed over at once. */
  attend(receiver: SignalReceiver): void;
  /** What stays behind when the process ends at once, asked for at that moment: a line for stderr. */
  onHaste(words: () => string | undefined): void;
  /** Give the signals back to the process. */
  dispose(): void;
}

interface SignalOptions {
  /** HUP ends the run: it was started on a terminal, which has gone, and there is no file to read again. */
  hangup?: boolean;
  /** Ends the process, with 128 + number of the signal. */
  exit?: (exitCode: number) => void;
  /** Calls back after so many milliseconds, and keeps no process alive for it. */
  after?: (milliseconds: number, then: () => void) => void;
}

/** Of a process that a signal ended, as shells tell it. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

export function watchSignals({
  hangup = false,
  exit = (code) => process.exit(code),
  after = (milliseconds, then) => setTimeout(then, milliseconds).unref(),
}: SignalOptions = {}): SignalWatch {
  let first: StopSignal | undefined;
  let [count, anew] = [0, false];
  const stopper = new AbortController();
  // One for each command that is under way.
  setMaxListeners(0, stopper.signal);
  let resolve!: (signal: StopSignal) => void;
  const stopped = new Promise<StopSignal>((done) => (resolve = done));
  let receiver: SignalReceiver | undefined;
  let hupWaits = false;
  let lastWords: () => string | undefined = () => undefined;

  const stop = (signal: StopSignal) => {
    first = signal;
    // What arrived with the first, while this process was kept from its processor, is handled before an immediate.
    after(SAME_MS, () => setImmediate(() => (anew = true)).unref());
    stopper.abort(signal);
    resolve(signal);
  };
  const onStop = (signal: NodeJS.Signals) => {
    count += 1;
    if (first === undefined) return stop(signal as StopSignal);
    if (count < AT_ONCE && !anew) return;
    const words = lastWords();
    // Not by a stream: the process ends before that would be written.
    if (words !== undefined) errorSink().write(`clear-df: ${words}\n`);
    exit(exitCodeOf(signal));
  };
  const onHup = () => {
    // The kernel and the shell both send one when a terminal goes: a second one is no impatience.
    if (first !== undefined) return;
    if (hangup) stop('SIGHUP');
    else if (receiver === undefined) hupWaits = true;
    else receiver.reload();
  };
  const onIgnored = (signal: NodeJS.Signals) => receiver?.ignored(signal);

  for (const signal of STOPS) process.on(signal, onStop);
  process.on('SIGHUP', onHup);
  for (const signal of IGNORED) process.on(signal, onIgnored);
  return {
    stopped,
    stop: stopper.signal,
    get stopping() {
      return first;
    },
    attend(next) {
      receiver = next;
      if (hupWaits) next.reload();
      hupWaits = false;
    },
    onHaste(words) {
      lastWords = words;
    },
    dispose() {
      for (const signal of STOPS) process.off(signal, onStop);
      process.off('SIGHUP', onHup);
      for (const signal of IGNORED) process.off(signal, onIgnored);
    },
  };
}
