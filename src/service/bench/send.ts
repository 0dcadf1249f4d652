/** The sender of `clear-df bench`, a process of its own inside its namespace: one request as JSON, one answer. */
import { pathToFileURL } from 'node:url';
import { type NativePour, type NativePourError, native } from '../../native.js';

/** This file, as `node` starts it. */
export const SENDER = import.meta.filename;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const request = JSON.parse(process.argv[2] ?? '{}') as NativePour;
  try {
    process.stdout.write(`${JSON.stringify(native().pour(request))}\n`);
  } catch (error) {
    const { operation = (error as Error).message, errno } = error as Partial<NativePourError>;
    const words = errno === undefined ? operation : `${operation} ${request.device}: errno ${errno}`;
    process.stderr.write(`clear-df: ${words}\n`);
    process.exitCode = 1;
  }
}
