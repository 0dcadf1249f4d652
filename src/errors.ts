/**
 * The one error class of clear-df. It is written for a person at 3 a.m.: what
 * failed, on which object, why, and what to do next.
 */

/** Kinds of failure; each has its own exit code. */
export type ErrorCode = 'RUNTIME' | 'USAGE' | 'PRIVILEGE' | 'ENVIRONMENT' | 'CONFLICT';

/** The process's exit code for each kind of failure; 0 is success. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  RUNTIME: 1,
  USAGE: 2,
  PRIVILEGE: 3,
  ENVIRONMENT: 4,
  CONFLICT: 5,
};

export interface ErrorParts {
  code: ErrorCode;
  /** What was being done, as a verb phrase: `bind queue`. */
  operation: string;
  /** What it was done to: `queue 0`, `--larger-than`. */
  object?: string | undefined;
  /** Why it failed, in words: `held by port id 1234`. */
  reason: string;
  /** The kernel's errno by name: `EPERM`. */
  errno?: string | undefined;
  /** What the person can do next: one sentence or one command. */
  hint?: string | undefined;
  /** The error underneath, if there is one. */
  cause?: unknown;
}

/** A failure that a person has to read. `message` is `operation object: reason (ERRNO)`. */
export class ClearDfError extends Error {
  override readonly name = 'ClearDfError';
  readonly code: ErrorCode;
  readonly operation: string;
  readonly object: string | undefined;
  readonly reason: string;
  readonly errno: string | undefined;
  readonly hint: string | undefined;

  constructor(parts: ErrorParts) {
    const where = parts.object === undefined ? parts.operation : `${parts.operation} ${parts.object}`;
    const errno = parts.errno === undefined ? '' : ` (${parts.errno})`;
    super(printable(`${where}: ${parts.reason}${errno}`), { cause: parts.cause });
    this.code = parts.code;
    this.operation = parts.operation;
    this.object = parts.object;
    this.reason = parts.reason;
    this.errno = parts.errno;
    this.hint = parts.hint === undefined ? undefined : printable(parts.hint);
  }

  /**
   * Whether a caught value is an error of clear-df, of whichever copy of it: the ES module's, CommonJS', a worker
   * thread's 'error' event, or what {@link toJSON} has made of one. `instanceof` knows one copy only.
   */
  static is(value: unknown): value is ClearDfError {
    if (typeof value !== 'object' || value === null) return false;
    const { name, code } = value as { name?: unknown; code?: unknown };
    return name === 'ClearDfError' && typeof code === 'string' && Object.hasOwn(EXIT_CODES, code);
  }

  /** The exit code that a command ends with when this error reaches the top. */
  get exitCode(): number {
    return EXIT_CODES[this.code];
  }

  /** All of it but the stack and the cause, as data: for JSON, and for `postMessage`, which strips errors. */
  toJSON(): Omit<ErrorParts, 'cause'> & { name: string; message: string; exitCode: number } {
    const { name, code, message, operation, object, reason, errno, hint, exitCode } = this;
    return { name, code, message, operation, object, reason, errno, hint, exitCode };
  }
}

/**
 * What was thrown, as an error. A module that is loaded when it is first needed may be gone by then: an upgrade replaces the
 * files of a process that runs on.
 */
export function asError(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (!/^(ERR_)?MODULE_NOT_FOUND$/.test(String((error as NodeJS.ErrnoException).code))) return error;
  const object = /^Cannot find (?:module|package) '[^']*?([^'/]+)'/.exec(error.message)?.[1];
  const reason = 'the file is gone: clear-df was upgraded or removed while this process ran';
  return new ClearDfError({ code: 'ENVIRONMENT', operation: 'load', object, reason, hint: 'restart it', cause: error });
}

/** Characters of a value that a message repeats at most. */
const SHOWN_MAX = 80;

/** A failed call in the system's words alone: Node writes `ENOSPC: no space left on device, write`. */
export function systemReason({ message }: Error): string {
  return /^\w+: ([^,]+)/.exec(message)?.[1] ?? message;
}

/** Text that cannot steer a terminal: control and formatting characters as `\\x1b` or `\\u202e`. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = (character.codePointAt(0) as number).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** A value as a message repeats it: the first 80 characters are enough to know it by. */
export function shortened(text: string): string {
  const characters = Array.from(printable(text.slice(0, 2 * SHOWN_MAX)));
  const cut = characters.length > SHOWN_MAX || text.length > 2 * SHOWN_MAX;
  return cut ? `${characters.slice(0, SHOWN_MAX).join('')}…` : characters.join('');
}

/** Shorthand for input that is refused: names the option, the value and the accepted form. */
export function usageError(option: string, value: unknown, accepted: string, hint?: string): ClearDfError {
  return new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: option,
    reason: `${valueText(value)} is not accepted; expected ${accepted}`,
    hint,
  });
}

/** As a person would type it: what JSON has no form for (NaN, a BigInt, a circle, a function) by another. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return `'${shortened(value)}'`;
  const plain = beyondJson('', value);
  if (plain !== value) return shortened(String(plain));
  try {
    return shortened(JSON.stringify(value, beyondJson) ?? String(value));
  } catch {
    return Array.isArray(value) ? 'an array' : 'an object';
  }
}

/** For `JSON.stringify`: what it would leave out, refuse, or make null of, as a text. */
export function beyondJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  return typeof value === 'symbol' || (typeof value === 'number' && !Number.isFinite(value)) ? String(value) : value;
}

/** As much of a zod issue as is read here. */
interface OptionIssue {
  path: readonly PropertyKey[];
  keys?: readonly string[];
}

/**
 * The refusal of a call's options.
 * @param issue the first thing that is wrong with them
 * @param accepted the accepted form of each option
 * @param example options that are enough
 * @param whole what the options are called
 */
export function optionError(
  issue: OptionIssue | undefined,
  options: unknown,
  accepted: Readonly<Record<string, string>>,
  example: string,
  whole = 'options',
): ClearDfError {
  const form = `an object, such as ${example}`;
  if (options === undefined) return missingError(whole, form);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return usageError(whole, options, form);
  }
  const option = String(issue?.path[0] ?? issue?.keys?.[0] ?? 'options');
  const value = (options as Record<string, unknown>)[option];
  // Of an unknown one it is the name that is wrong, whatever its value.
  if (!Object.hasOwn(accepted, option)) {
    return usageError(whole, option, `one of ${Object.keys(accepted).join(', ')}`);
  }
  const wanted = accepted[option] as string;
  return value === undefined ? missingError(option, wanted) : usageError(option, value, wanted);
}

/** `a, b or c`: what is accepted, in words. */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last;
}

/** Shorthand for an option that needs another one: names both. */
export function requiresError(option: string, required: string, hint?: string): ClearDfError {
  return new ClearDfError({ code: 'USAGE', operation: 'read', object: option, reason: `requires ${required}`, hint });
}

/** Shorthand for input that is missing: names the option and the accepted form. */
export function missingError(option: string, accepted: string, hint?: string): ClearDfError {
  const reason = `it is missing; expected ${accepted}`;
  return new ClearDfError({ code: 'USAGE', operation: 'read', object: option, reason, hint });
}
