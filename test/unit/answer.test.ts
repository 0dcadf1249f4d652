/** Who asks for statistics waits for an answer no longer than it says. */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerFrom, runningSnapshot } from '../../src/commands/answer.js';

let server: Server;
const sockets: Socket[] = [];
let port: number;

/** Takes connections, and answers nobody. */
beforeEach(async () => {
  server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** Memory is collected all the while: a time limit must not be part of it. */
async function collecting<T>(work: Promise<T>): Promise<T> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let settled = false;
  const end = () => void (settled = true);
  void work.then(end, end);
  while (!settled) {
    collect();
    await pause(5);
  }
  return work;
}

it('nothing is known where nobody answers in time', async () => {
  await expect(collecting(runningSnapshot({ host: '127.0.0.1', port }, undefined, 50))).resolves.toBeUndefined();
  const asked = answerFrom(`http://127.0.0.1:${port}/stats`, { limit: 50 });
  await expect(collecting(asked)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

it('stop ends the waiting, also where it came before', async () => {
  const stop = new AbortController();
  const url = `http://127.0.0.1:${port}/stats`;
  const waiting = answerFrom(url, { limit: 600_000, stop: stop.signal });
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await expect(answerFrom(url, { limit: 600_000, stop: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
});
