/** The sender of `clear-df bench`, a process of its own inside its namespace: one request as JSON, one answer. */
import { type NativeSend, type NativeSendError, native } from '../../native.js';

const request = JSON.parse(process.argv[2] ?? '{}') as NativeSend;
try {
  process.stdout.write(`${JSON.stringify(native().send(request))}\n`);
} catch (error) {
  const { operation = (error as Error).message, errno } = error as Partial<NativeSendError>;
  const words = errno === undefined ? operation : `${operation} ${request.device}: errno ${errno}`;
  process.stderr.write(`clear-df: ${words}\n`);
  process.exitCode = 1;
}
