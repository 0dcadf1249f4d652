/**
 * arm64, which most routers are: Debian's kernel for it, the addons by the cross compiler.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server      forwards
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *
 * A packet of 1500 bytes with DF does not fit 1400. Cleared it is cut at 1396 (20 + a multiple of 8 ≤ 1380): 20 + 1376 and
 * 20 + 104 bytes.
 *
 * With CLEAR_DF_LAB_WRITE=1 (`npm run lab -- --story arm64 --write`) what it saw becomes a row of the support matrix.
 */
import { expect, it } from 'vitest';
import { readMatrix, type Shown } from '../../scripts/lab/matrix.js';
import { writeMatrix } from '../../scripts/lab/matrix-write.js';
import { Capture, type Captured } from '../helpers/capture.js';
import { type Daemon, startClearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import { nstat, queue } from '../helpers/kernel.js';
import { patient } from '../helpers/slowness.js';
import { forgetPathMtu, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { describeKernels } from './kernels.js';

const WRITE = process.env['CLEAR_DF_LAB_WRITE'] === '1';

const FORWARDED = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1'];
/** Of ping, and of UDP. */
const [PINGS, DATAGRAMS] = [5, 200];
const PACKETS = PINGS + DATAGRAMS;
const MINUTES = 60_000;

/** Each of the packets as its two fragments, none with DF, each packet with an identification of its own. */
function expectFragments(fragments: readonly Captured[]): void {
  const lengths = (part: (offset: number) => boolean) =>
    fragments.filter(({ offset }) => part(offset)).map(({ length }) => length);
  expect(lengths((offset) => offset === 0)).toEqual(Array(PACKETS).fill(1396));
  expect(lengths((offset) => offset !== 0)).toEqual(Array(PACKETS).fill(124));
  expect(fragments.every(({ dontFragment, headerChecksumGood }) => !dontFragment && headerChecksumGood)).toBe(true);
  const numbers = new Set(fragments.map(({ identification }) => identification));
  expect(numbers.size).toBe(PACKETS);
  expect(numbers.has(0)).toBe(false);
}

async function fastPath(daemon: Daemon): Promise<Record<string, number>> {
  return (await daemon.stats()).fastPath[0]?.counters ?? {};
}

describeKernels(['arm64'], 'arm64', (guest) => {
  const told: string[] = [];

  it(
    'is what it says it is',
    async () => {
      expect((await guest().run(['uname', '-m'])).stdout).toBe('aarch64');
      expect((await guest().run(['node', '-p', 'process.arch'])).stdout).toBe('arm64');
    },
    patient(5 * MINUTES),
  );

  it.each(['off', 'require'] as const)(
    'loses no full-size packet, and all counters agree: fast path %s',
    async (fast) => {
      const { lab, client, router, server } = await routed(1400, guest());
      try {
        expect(await ping(client, SERVER)).toMatchObject({ received: 0 });
        await forgetPathMtu(client);
        const daemon = await startClearDf(router, '0', [...FORWARDED, '--fast-path', fast]);
        // The neighbour has to be known: kernels may hand the first packets to the queue.
        expect(await ping(client, SERVER, { size: 56 })).toMatchObject({ received: 3 });
        const capture = await Capture.start(server, 'eth0', ['src host 10.0.0.2', 'and ip[6:2] & 0x3fff != 0']);
        const cut = await nstat(router);

        expect(await ping(client, SERVER, { count: PINGS })).toMatchObject({ sent: PINGS, received: PINGS });
        const flow = await datagrams(client, server, SERVER, { count: DATAGRAMS });
        expect(flow).toMatchObject({ sent: DATAGRAMS, lost: 0 });
        expect(flow.grew('UdpInCsumErrors')).toBe(0);

        expectFragments(await capture.stop(2 * PACKETS));
        expect((await nstat(router))('IpFragCreates') - cut('IpFragCreates')).toBe(2 * PACKETS);
        const { totals } = await daemon.settledStats();
        const queued = fast === 'off' ? PACKETS : 0;
        expect(totals).toMatchObject({ packets: queued, cleared: queued, leaked: 0, overrun: 0, verdictErrors: 0 });
        expect((await queue(router, 0))?.sequence).toBe(queued);
        if (fast === 'require') expect(await fastPath(daemon)).toMatchObject({ cleared: PACKETS, failed: 0 });

        const { grew } = await deliver(client, server, SERVER, 500_000);
        expect(grew('TcpInCsumErrors')).toBe(0);
        expect((await daemon.stop()).exitCode).toBe(0);
        expect(await guest().kernelComplaints()).toEqual([]);
        told.push(fast);
      } finally {
        await lab[Symbol.asyncDispose]();
      }
    },
    patient(10 * MINUTES),
  );

  // Behind all that it tells of: a failure before it is written nowhere.
  if (WRITE)
    it('is written into the support matrix', async () => {
      expect(told).toEqual(['off', 'require']);
      const { release } = guest().kernel;
      const shown: Shown = {
        machine: `arm64, kernel ${release}, emulated`,
        what:
          `${PACKETS} packets of 1500 bytes with DF through a real queue, and through the fast path: 0 % lost; the counters of ` +
          'clear-df, of the kernel and a capture agree; TCP without checksum errors',
        by: '`test/lab/arm64.more.ts`',
        date: new Date().toISOString().slice(0, 10),
      };
      const matrix = readMatrix();
      await writeMatrix({ ...matrix, machines: [...matrix.machines.filter(({ by }) => by !== shown.by), shown] });
    });
});
