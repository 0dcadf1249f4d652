/**
 * A VXLAN of sites A and B, which `test/helpers/mesh.ts` draws; rA knows rB by its name alone and its own address not at
 * all. Then rB gets another address, as from a provider:
 *
 *   rA eth1 192.168.200.1 (local: auto)      rB eth1 192.168.200.2, later 192.168.200.22 (far.test)
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clearDf } from '../helpers/clear-df.js';
import { hostOf, mesh, meshEnd, routerOf } from '../helpers/mesh.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { TunnelEnd } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';

const MOVED = '192.168.200.22';

describe.each(['nfqueue', 'bpf'])('a site known by its name, engine %s', (engine) => {
  it('is followed to another address under a stream, by the same process', { timeout: 300_000 }, async () => {
    const net = await mesh();
    await using _lab = net.lab;
    const { h, r } = net;
    // ip-netns(8): put over /etc/hosts of what is run there.
    const etc = `/etc/netns/${r.A.name}`;
    const hosts = (address: string) => writeFileSync(`${etc}/hosts`, `127.0.0.1 localhost\n${address}`);
    mkdirSync(etc, { recursive: true });
    try {
      hosts('');
      const before = await routerText(r.A);
      const written = await meshEnd(net, 'A', { engine, local: 'auto', remotes: ['far.test'] });
      const near = new TunnelEnd(r.A, written.file, engine, true);
      const unknown = await clearDf(r.A, ['tunnel', 'up', near.file], 60_000);
      expect(unknown).toMatchObject({ exitCode: 4 });
      expect(unknown.stderr).toMatch(/look up remotes\.0 far\.test \(.*mesh-A\.yaml:\d+\)/);
      expect(await routerText(r.A)).toEqual(before);

      hosts(`${routerOf('B')} far.test\n`);
      const far = await meshEnd(net, 'B', { remotes: [routerOf('A')] });
      await Promise.all([near.up(), far.up()]);
      expect(await ping(h.A, hostOf('B'))).toMatchObject({ received: 3 });

      const flow = h.A.spawn('ping', ['-n', '-O', '-M', 'do', '-s', '1472', '-i', '0.2', hostOf('B')]);
      await flow.says(/icmp_seq=5 /);
      await r.B.ip('address', 'add', `${MOVED}/24`, 'dev', 'eth1');
      await r.B.ip('address', 'delete', `${routerOf('B')}/24`, 'dev', 'eth1');
      await r.B.ip('address', 'replace', `${MOVED}/24`, 'dev', 'eth1');
      const moved = await meshEnd(net, 'B', { local: MOVED, remotes: [routerOf('A')] });
      await moved.up();
      // Nobody answers for a while: the name, too, is not known, and nothing is changed for that.
      hosts('');
      await near.running.says(/remotes\.0: far\.test cannot be looked up now, and stays 192\.168\.200\.2/, 60_000);
      hosts(`${MOVED} far.test\n`);
      await near.running.says(/remotes\.0 far\.test: local 192\.168\.200\.1, remote 192\.168\.200\.22 now/, 60_000);
      await near.running.says(/tunnel mesh-A is up from 192\.168\.200\.1 to 192\.168\.200\.22/, 60_000);
      const seen = flow.stdout.length;
      await until('the stream is answered again', () => / ttl=/.test(flow.stdout.slice(seen)));
      const status = await clearDf(r.A, ['tunnel', 'status', near.file], 60_000);
      expect(status.exitCode, status.stdout).toBe(0);
      expect(status.stdout).toContain(`vxlan1 sends to ${MOVED}`);
      if (engine === 'nfqueue') {
        // The counters of the process that began.
        expect((await near.daemon.stats()).totals.cleared).toBeGreaterThan(8);
      }
      await flow.stop('SIGINT');

      // At the end the name need not be known.
      hosts('');
      await near.down();
      expect(await routerText(r.A)).toEqual(before);
      await moved.down();
    } finally {
      rmSync(etc, { recursive: true });
    }
  });
});
