/**
 * TCP through the queue keeps its order. `test/helpers/article.ts` draws the network.
 *
 * A packet that the queue hands back waits, behind a veth, in the backlog of the CPU that handed it back. Kernels
 * before 6.5 leave a backlog to ksoftirqd once it runs, and a worker that moves to another CPU meanwhile overtakes its
 * own packets. csrc/affinity.h keeps it from moving, nearly always. Without that a transfer of this size met 149 to
 * 312 reorderings on 5.10 and 6.1.
 */
import { expect, it } from 'vitest';
import { article, HOST_B } from '../helpers/article.js';
import { deliver } from '../helpers/delivery.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const BYTES = 60_000_000;
/** One move a second may cost one reordering or two; a storm is hundreds. */
const STORM = 40;

describeKernels('short', 'TCP in super-packets through the queue', (guest) => {
  it('arrives in order, without a checksum error', async () => {
    const net = await article(guest());
    try {
      const { hA, hB } = net;
      const ends = await tunnelEnds(net, { engine: 'nfqueue', hook: 'br-netfilter' });
      await upBoth(ends);
      const stream = await deliver(hA, hB, HOST_B, BYTES);
      const { totals } = await ends[0].daemon.settledStats();
      expect(totals.gso).toBeGreaterThan(100);
      expect(totals).toMatchObject({ leaked: 0, overrun: 0, verdictErrors: 0 });
      expect(stream.grew('TcpInCsumErrors')).toBe(0);
      expect(stream.senderGrew('TcpExtTCPSACKReorder')).toBeLessThan(STORM);
      await downBoth(ends);
      expect(await guest().kernelComplaints()).toEqual([]);
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
  });
});
