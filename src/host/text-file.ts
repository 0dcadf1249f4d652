/** Small files of text that people write: read whole, never waited for, and refused by name and reason. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { ClearDfError } from '../errors.js';

/** A file beyond this many bytes was not written by a person. */
export const TEXT_FILE_MAX = 1_048_576;

/** The accepted form of a file of options, of a site or of a net. */
export const YAML_FILE = 'a readable YAML file of at most 1 MiB';

interface TextFile {
  /** Names the file in refusals: `--config 'FILE'`. */
  object: string;
  /** The accepted form: {@link YAML_FILE}. */
  accepted: string;
  /** Looks at the open file before anything is read; returns why it is refused. */
  inspect?: (stat: Stats) => string | undefined;
}

/**
 * The file's text, UTF-8.
 * @throws ClearDfError USAGE when it is missing, unreadable, no regular file, larger than 1 MiB or not UTF-8
 */
export function readTextFile(file: string, how: TextFile): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readBytes(file, how));
  } catch (error) {
    if (error instanceof ClearDfError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a directory',
      EACCES: 'it may not be read by this user',
      EAGAIN: 'reading it would wait for data',
      ENOTDIR: 'a part of the path is not a directory',
      ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
    };
    const known = code !== undefined && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
    throw refusal(how, reasons[code ?? ''] ?? 'it cannot be read', known, error);
  }
}

/** What `/proc` has calls itself a regular file of 0 bytes, and may have no end, or none yet: nothing here waits. */
function readBytes(file: string, how: TextFile): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(descriptor);
    // A pipe or device has no end that is known, and cannot be read again on HUP.
    if (!stat.isFile() && !stat.isDirectory()) throw refusal(how, 'it is not a regular file');
    if (stat.size > TEXT_FILE_MAX) throw refusal(how, `it has ${stat.size} bytes`);
    const wrong = how.inspect?.(stat);
    if (wrong !== undefined) throw refusal(how, wrong);
    const bytes = Buffer.alloc(TEXT_FILE_MAX + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    if (length > TEXT_FILE_MAX) throw refusal(how, 'it has more than 1 MiB');
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function refusal({ object, accepted }: TextFile, reason: string, errno?: string, cause?: unknown): ClearDfError {
  const full = `${reason}; expected ${accepted}`;
  return new ClearDfError({ code: 'USAGE', operation: 'read', object, reason: full, errno, cause });
}
