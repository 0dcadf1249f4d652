/**
 * What a run tells its supervisor (sd_notify(3)): here a socket of this test takes systemd's place.
 *
 *   [router] lo; clear-df run → NOTIFY_SOCKET → receiver
 */
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

/** Prints each datagram as a line of its own. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = sys.argv[1]
s.bind("\\0" + address[1:] if address.startswith("@") else address)
print("bound", flush=True)
while True: print(s.recv(4096).decode().replace("\\n", ";"), flush=True)
`;

let lab: Lab;
let router: Namespace;

beforeAll(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

async function receiver(address: string) {
  const running = router.spawn('python3', ['-c', RECEIVER, address]);
  await running.says(/bound/);
  return running;
}

it.each(['a path', 'an abstract name'])('a run says that it is ready, lives, reloads and ends, by %s', async (kind) => {
  const address = kind === 'a path' ? path.join(await lab.scratch(), 'notify') : `@clear-df-${process.pid}`;
  const told = await receiver(address);
  const [node, main] = commandOf(router);
  const environment = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '200000' };
  const running = router.spawn(node, [main, 'run', '--queue', '0', '--metrics', 'off'], environment);
  await told.says(/^READY=1;STATUS=clearing DF, queue 0$/m);
  // Not before all is there.
  expect(running.stderr).toContain('clear-df is running');
  // Twice in WATCHDOG_USEC; three of them are no accident.
  await until('it says that it lives', () => told.stdout.split('WATCHDOG=1').length > 3);
  running.kill('SIGHUP');
  await told.says(/^RELOADING=1\n(?:WATCHDOG=1\n)*READY=1/m);
  expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
  expect(told.stdout).toMatch(/^STOPPING=1$/m);
  // No program that it starts speaks for it.
  expect(told.stdout.match(/^READY=1/gm)).toHaveLength(2);
  await told.stop('SIGKILL');
});

it('a watchdog of another process is left alone, and a run without a supervisor says nothing', async () => {
  const address = path.join(await lab.scratch(), 'other');
  const told = await receiver(address);
  const [node, main] = commandOf(router);
  const other = { NOTIFY_SOCKET: address, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' };
  const running = router.spawn(node, [main, 'run', '--queue', '0', '--metrics', 'off'], other);
  await told.says(/^READY=1/m);
  expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
  expect(told.stdout).not.toContain('WATCHDOG=1');
  await told.stop('SIGKILL');
});

it('a supervisor that is not there is no reason not to run', async () => {
  const [node, main] = commandOf(router);
  const running = router.spawn(node, [main, 'run', '--queue', '0', '--metrics', 'off'], { NOTIFY_SOCKET: '/nowhere' });
  await running.says(/READY=1 could not be sent to systemd \(ENOENT\)/);
  await running.says(/clear-df is running/);
  expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
  expect((await clearDf(router, ['--version'])).exitCode).toBe(0);
});

it('under journald its log is text with priorities; with --log-format json it is JSON', async () => {
  const script = `exec 2>"$1"; export JOURNAL_STREAM=$(stat -c %d:%i "$1"); shift; exec "$@"`;
  const [node, main] = commandOf(router);
  const written = async (name: string, ...more: string[]) => {
    // A file for each: the words that are waited for stand in the last one's.
    const file = path.join(await lab.scratch(), name);
    const args = [node, main, 'run', '--queue', '0', '--metrics', 'off', ...more];
    const running = router.spawn('bash', ['-c', script, 'bash', file, ...args]);
    const read = async () => (await router.try('cat', [file])).stdout;
    await until('it runs', async () => (await read()).includes('clear-df is running') || undefined);
    expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
    return (await read()).split('\n');
  };
  const text = await written('text');
  expect(text).toContain('<6>clear-df is running');
  expect(text).toContainEqual(expect.stringMatching(/^<6>queue 0 bound, companion queue \d+ queue=0 companion=\d+ /));
  expect(text.filter((line) => !/^<[2-7]>/.test(line))).toEqual([]);
  const json = await written('json', '--log-format', 'json');
  expect(json.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('clear-df is running');
});
