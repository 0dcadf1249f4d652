/** Runs a command while this process has no descriptor free, and another one when it has. Prints what came of them. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createRunner, NoAnswerError } from '../../src/host/exec.js';
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
taken.forEach(closeSync);
process.stdout.write(JSON.stringify({ refused, then: await runner.query('echo', ['well']) }));
