/**
 * Runs a command and a reader while this process has no descriptor free, and a command when it has. Prints what came of
 * them.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createRunner, NoAnswerError } from '../../src/host/exec.js';
import { readNft } from '../../src/host/trace/reader.js';
import { silentLogger } from '../../src/log.js';

const runner = createRunner({ log: silentLogger() });
execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=64:1024']);
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // The last one is taken.
}
const refused = await runner.query('true', []).catch((error: Error) => ({
  message: error.message,
  noAnswer: error instanceof NoAnswerError,
}));
const reader = readNft(() => undefined);
const unread = await reader.ready.catch((error: Error) => error.message);
await reader.stop();
taken.forEach(closeSync);
process.stdout.write(JSON.stringify({ refused, unread, then: await runner.query('echo', ['well']) }));
