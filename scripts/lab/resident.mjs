/**
 * Runs inside a guest: clear-df's command line, loaded and waiting in one network namespace. An emulated machine takes
 * ten times as long to start Node and load clear-df as for most commands themselves, so the agent keeps this process
 * and gives it one command after the other; a command that stays (`run`, `tunnel up`) makes it that command's process
 * for good, with its signals, its memory and its end.
 *
 *   {args, env}         runs it; its output is followed by END on both streams, with the exit code between
 *   {args, env, stays}  becomes it
 *
 * Bundled with all that it imports: see app.ts.
 */
import { writeSync } from 'node:fs';
import { main } from '../../src/cli/program.ts';
import { keepSmall } from '../../src/cli/v8.ts';

const own = { ...process.env };

/** A pipe that is full for the moment refuses. */
function write(descriptor, text) {
  for (let rest = Buffer.from(text); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

process.on('message', async ({ args, env, stays }) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, own, env);
  process.argv = [process.argv[0], process.argv[1], ...args];
  if (stays) {
    keepSmall();
    // Not disconnected: that trips Node up in here. It ends when the command has nothing left to wait for.
    process.channel.unref();
  }
  const exitCode = await main(args);
  if (stays) {
    process.exitCode = exitCode;
    return;
  }
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  process.exitCode = undefined;
  for (const descriptor of [1, 2]) write(descriptor, `\0${exitCode}\0END\0`);
});
