/** What this machine, or this process, may run out of and gets back: it says nothing about what was asked for. */
import { ClearDfError } from '../errors.js';

const SHORT_OF: Record<string, { reason: string; hint: string }> = {
  EMFILE: { reason: 'this process has no file descriptor free', hint: 'raise its limit (ulimit -n, LimitNOFILE=)' },
  ENFILE: { reason: 'this machine has no file descriptor free', hint: 'raise fs.file-max, or see who holds so many' },
  EAGAIN: { reason: 'no further process can be started', hint: 'raise the limit of processes (TasksMax=, ulimit -u)' },
  ENOMEM: { reason: 'there is no memory', hint: 'see who holds it: ps aux --sort=-rss' },
  ENOBUFS: { reason: 'the kernel has no memory for it', hint: 'try again' },
};

/** Whether something failed for want of descriptors, processes or memory. */
export function isShortage(error: unknown): boolean {
  const { errno, code } = error as { errno?: unknown; code?: unknown };
  return [errno, code].some((name) => typeof name === 'string' && Object.hasOwn(SHORT_OF, name));
}

/** What there is too little of, and what to do; undefined when `errno` is about something else. */
export function shortageOf(errno: string | undefined): { reason: string; hint: string } | undefined {
  return errno !== undefined && Object.hasOwn(SHORT_OF, errno) ? SHORT_OF[errno] : undefined;
}

/**
 * For who takes a failure for an answer: a shortage is none.
 * @throws ClearDfError RUNTIME when it was a shortage
 */
export function refuseShortage(cause: unknown, object: string): void {
  const { code } = cause as NodeJS.ErrnoException;
  const short = shortageOf(code);
  if (short === undefined) return;
  throw new ClearDfError({ code: 'RUNTIME', operation: 'read', object, ...short, errno: code, cause });
}
