/**
 * A run whose queue is taken from it: it takes it back, once it is free.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *                               clear-df
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Daemon, DF_SET, foreignRule, IN_TRANSIT, startClearDf } from '../helpers/clear-df.js';
import { HeldWorker } from '../helpers/held-worker.js';
import { queue } from '../helpers/kernel.js';
import { lastWord } from '../helpers/ledger.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { flooded, ping, startFlood } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const COUNT = 50;

/** Unbinds a queue by the socket that holds it: the kernel allows it to nobody else. */
const UNBIND = `
import ctypes, os, socket, struct, sys
pid, port, queue = map(int, sys.argv[1:])
libc = ctypes.CDLL(None, use_errno=True)
process = os.pidfd_open(pid)

def holder():
    for fd in os.listdir(f'/proc/{pid}/fd'):
        # pidfd_getfd(2)
        copy = libc.syscall(438, process, int(fd), 0)
        if copy < 0: continue
        try:
            found = socket.socket(fileno=copy)
            if found.family == socket.AF_NETLINK and found.getsockname()[0] == port: return found
        except OSError: pass
    sys.exit(f'no socket of {pid} has port id {port}')

# NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG; NFQA_CFG_CMD: NFQNL_CFG_CMD_UNBIND
message = struct.pack('=BBH', 0, 0, socket.htons(queue)) + struct.pack('=HHBBH', 8, 1, 2, 0, 0)
holder().send(struct.pack('=IHHII', 16 + len(message), 3 << 8 | 2, 1, 0, 0) + message)
`;

let net: Routed;
beforeEach(async () => {
  net = await routed();
  await foreignRule(net.router, { match: [...DF_SET, ...IN_TRANSIT] });
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

/** Takes the queue away while packets wait: they are discarded, and their answers refused. @param meanwhile before those */
async function lose(daemon: Daemon, meanwhile: () => Promise<void>): Promise<void> {
  const { client, router } = net;
  const held = await queue(router, 0);
  const worker = await HeldWorker.of(daemon, 0);
  await flooded(await startFlood(client, { destination: SERVER, length: 200, count: COUNT }));
  await until('they wait', async () => (await queue(router, 0))?.waiting === COUNT);
  await router.exec('python3', ['-c', UNBIND, String(daemon.running.pid), String(held?.portId), '0']);
  expect(await queue(router, 0)).toBeUndefined();
  await meanwhile();
  await worker.letGo();
  await daemon.running.says(/"kind":"queue-lost"/);
}

it('is free: it is bound again at once, and its numbers begin anew', async () => {
  const daemon = await startClearDf(net.router, '0');
  const before = await queue(net.router, 0);
  await lose(daemon, async () => {});
  await daemon.running.says(/"kind":"queue-regained".*the queue is bound to this process again/);
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 3 });
  expect(await queue(net.router, 0)).toEqual({ ...before, sequence: 3 });
  const { totals } = await daemon.settledStats();
  // Those that were discarded had been taken, and none went by.
  const all = COUNT + 3;
  expect(totals).toMatchObject({ packets: all, verdicts: all, cleared: all, leaked: 0, overrun: 0 });
  expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
});

/** A second run takes the queue while the first one does not know yet that it has lost it. */
async function loseToAnother(daemon: Daemon): Promise<Daemon> {
  const { client, router } = net;
  let other: Daemon | undefined;
  await lose(daemon, async () => {
    other = await startClearDf(router, '0', ['--metrics', '127.0.0.1:9858'], { port: 9858 });
  });
  expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
  expect((await other!.settledStats()).totals).toMatchObject({ packets: 3, cleared: 3 });
  expect(daemon.running.stderr).not.toContain('queue-regained');
  return other!;
}

it('is held by another one: it is bound again when that one has let go', async () => {
  const { client, router } = net;
  const daemon = await startClearDf(router, '0');
  const before = await queue(router, 0);
  const other = await loseToAnother(daemon);
  expect(await other.stop()).toMatchObject({ exitCode: 0 });
  await daemon.running.says(/"kind":"queue-regained"/);
  expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
  expect(await queue(router, 0)).toEqual({ ...before, sequence: 3 });
  const all = COUNT + 3;
  expect((await daemon.settledStats()).totals).toMatchObject({ packets: all, cleared: all, leaked: 0, overrun: 0 });
  expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
});

it('is lost for good: TERM ends the run, and the other one keeps its queue', async () => {
  const { client, router } = net;
  const daemon = await startClearDf(router, '0');
  const other = await loseToAnother(daemon);
  const theirs = await queue(router, 0);
  expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  expect(lastWord(daemon.running)).toMatchObject({ packets: COUNT, verdicts: COUNT, leaked: 0, overrun: 0 });
  expect(await queue(router, 0)).toEqual(theirs);
  expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
  expect((await other.settledStats()).totals).toMatchObject({ packets: 6, cleared: 6 });
});
