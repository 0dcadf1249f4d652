/**
 * Standard error, written without waiting: whoever reads it may have stopped, and a full pipe, socket or halted terminal
 * must not halt what clears packets. What does not fit is dropped and counted.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

const STDERR = 2;

interface ErrorSink {
  /** Writes a line; false when it was dropped. */
  write(line: string): boolean;
}

interface SinkOptions {
  /** To write to; default: standard error. */
  descriptor?: number;
  /** The line that says how many were dropped, before the first one that is written again. */
  notice?: (dropped: number) => string;
}

/** Who reads may have gone (EPIPE), or may read again later (EAGAIN): either way nobody waits. */
export function errorSink({ descriptor, notice = () => '' }: SinkOptions = {}): ErrorSink {
  const to = descriptor ?? withoutWaiting();
  let dropped = 0;
  /** The rest of a line that went out in part: nothing may come before it. */
  let rest: Buffer = Buffer.alloc(0);
  const flush = (): boolean => {
    while (rest.length > 0) {
      const written = attempt(to, rest);
      if (written === undefined) return false;
      rest = rest.subarray(written);
    }
    return true;
  };
  const put = (line: string): boolean => {
    if (!flush()) return false;
    const bytes = Buffer.from(line);
    const written = attempt(to, bytes);
    if (written === undefined) return false;
    rest = bytes.subarray(written);
    flush();
    return true;
  };
  return {
    write(line) {
      if (dropped > 0) {
        const words = notice(dropped);
        if (words === '' ? flush() : put(words)) dropped = 0;
      }
      if (dropped === 0 && put(line)) return true;
      dropped += 1;
      return false;
    },
  };
}

/** How many bytes went out; undefined when none can now. */
function attempt(descriptor: number, bytes: Buffer): number | undefined {
  try {
    return writeSync(descriptor, bytes);
  } catch {
    return undefined;
  }
}

let opened: number | undefined;

/**
 * Pipes and terminals are opened anew: O_NONBLOCK belongs to the open file, which other programs share. A socket, as
 * journald's, cannot be; Node has made it non-blocking when it looked at standard error. A file never blocks.
 */
function withoutWaiting(): number {
  // Node makes pipes and sockets non-blocking with its first look at them.
  void process.stderr;
  return (opened ??= openAnew(STDERR) ?? STDERR);
}

/** The same pipe or terminal by a descriptor that never waits; undefined for what is none, or cannot be opened. */
export function openAnew(descriptor: number): number | undefined {
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
    return openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}
