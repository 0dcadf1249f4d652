/**
 * From ESP to ESP in UDP and back while the tunnel stays up. `test/helpers/article.ts` draws the network; engine
 * tunnel-flag, so that inner packets of 1500 bytes pass as long as there are associations to carry them.
 *
 * All the while host A pings host B with a pattern, in packets of full size: on the WAN neither GRE nor the pattern is
 * ever to be seen, whatever a router is just about to change.
 */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { espCarrier, espInUdpCarrier } from '../helpers/esp.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const PATTERN = 'c0ffee5eaf00d5';
const CIPHER = 'aes-gcm-256';

/** What must stay: devices by their number, policies as they are printed. */
async function keptOf(at: Namespace): Promise<string[]> {
  const devices = await Promise.all(['gretap1', 'br0'].map((dev) => at.read(`/sys/class/net/${dev}/ifindex`)));
  return [...devices, await at.ip('xfrm', 'policy')];
}

/** The SPIs of a router's associations, and how many of them are in UDP. */
async function statesOf(at: Namespace): Promise<{ spis: string[]; inUdp: number }> {
  const text = await at.ip('xfrm', 'state');
  return {
    spis: [...text.matchAll(/spi (0x\w+)/g)].map(([, spi = '']) => spi),
    inUdp: text.split('espinudp').length - 1,
  };
}

/** The other carrier in the same files. */
async function rewritten([a, b]: readonly TunnelEnd[], carrier: string): Promise<[TunnelEnd, TunnelEnd]> {
  const options = { carrier, engine: 'tunnel-flag' };
  return [
    await TunnelEnd.rewrite(a!.at, a!.file, 'site-a', ROUTER_A, ROUTER_B, options),
    await TunnelEnd.rewrite(b!.at, b!.file, 'site-b', ROUTER_B, ROUTER_A, options),
  ];
}

/** An `ip` that refuses the second batch, which is the second association. */
async function brokenIp(at: Namespace): Promise<Record<string, string>> {
  const folder = await at.machine.scratch('broken-');
  const script = [
    '#!/bin/sh',
    'case " $* " in *" -batch "*)',
    `  if [ -e ${folder}/once ]; then echo 'refused for the test' >&2; exit 2; fi`,
    `  touch ${folder}/once;;`,
    'esac',
    'for real in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip; do [ -x "$real" ] && exec "$real" "$@"; done',
  ];
  await at.machine.writeFile(`${folder}/bin/ip`, `${script.join('\n')}\n`, 0o755);
  return { PATH: `${folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
}

describeKernels(['own'], 'a tunnel that switches between ESP and ESP in UDP', (guest) => {
  it(
    'stays up, and lets nothing leave unencrypted',
    async () => {
      await guest().modprobe('ip_gre', 'esp4');
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const inEsp = await espCarrier(net, 'transport', CIPHER);
        const ends = await tunnelEnds(net, { carrier: inEsp, engine: 'tunnel-flag' });
        const texts = [await routerText(rA), await routerText(rB)];
        await upBoth(ends);
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
        const kept = [await keptOf(rA), await keptOf(rB)];
        const first = await statesOf(rA);
        expect(first).toMatchObject({ spis: { length: 2 }, inUdp: 0 });

        const wan = await Capture.start(w, 'eth1', ['ip']);
        const inside = await Capture.start(hB, 'eth0', ['icmp']);
        const pinging = hA.spawn('ping', ['-n', '-i', '0.2', '-s', '1472', '-M', 'do', '-p', PATTERN, HOST_B]);
        await until('the pattern is seen where it may be', async () => /icmp_seq=3 /.test(pinging.stdout));

        // The keys that are in use: refused, and nothing changes.
        await rewritten(ends, inEsp.replace('type: esp', 'type: esp-in-udp'));
        const used = await clearDf(rA, ['tunnel', 'up', ends[0].file], 120_000);
        expect(used).toMatchObject({ exitCode: 5 });
        expect(used.stderr).toContain('its UDP ports are none');
        expect(used.stderr).toContain('new key file');
        const udp = await rewritten(ends, await espInUdpCarrier(net, 'transport', CIPHER, 'keepalive: 1'));
        const broken = await rA.try(
          commandOf(rA)[0],
          [commandOf(rA)[1], 'tunnel', 'up', udp[0].file],
          120_000,
          await brokenIp(rA),
        );
        // Half-way: the association that was there already is taken away again, the socket is closed.
        expect(broken, broken.stderr).toMatchObject({ exitCode: 1 });
        expect(broken.stderr).toContain('rolling back 2 changes');
        expect(await statesOf(rA)).toEqual(first);
        expect(await rA.read('/proc/net/udp')).not.toContain(':1194 ');
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });

        await Promise.all(udp.map((end) => end.up()));
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ received: 3 });
        expect([await keptOf(rA), await keptOf(rB)]).toEqual(kept);
        const second = await statesOf(rA);
        expect(second).toMatchObject({ spis: { length: 2 }, inUdp: 2 });
        expect(second.spis.filter((spi) => first.spis.includes(spi))).toEqual([]);

        // And back: the process that holds the socket has nothing to do any more, and is told to end.
        const esp = await rewritten(ends, await espCarrier(net, 'transport', CIPHER));
        await Promise.all(esp.map((end) => end.up()));
        for (const end of udp) expect(await end.running.wait()).toMatchObject({ exitCode: 0 });
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
        expect([await keptOf(rA), await keptOf(rB)]).toEqual(kept);
        expect(await statesOf(rB)).toMatchObject({ spis: { length: 2 }, inUdp: 0 });

        await pinging.stop('SIGINT');
        await wan.finish(20);
        await inside.finish(3);
        const seen = Buffer.from(PATTERN.repeat(3), 'hex');
        expect((await readFile(inside.file)).includes(seen)).toBe(true);
        expect((await readFile(wan.file)).includes(seen)).toBe(false);
        // Keepalives of whoever switched first may come to a port that is not open yet.
        expect(await wan.lines(['not esp and not udp and not (icmp[0] = 3 and icmp[1] = 3)'])).toEqual(['']);
        expect((await wan.lines(['udp port 4500'])).length).toBeGreaterThan(12);

        await downBoth(esp);
        expect([await routerText(rA), await routerText(rB)]).toEqual(texts);
        const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(pinging.stdout) ?? [];
        console.log(`pings: ${sent} sent, ${received} received`);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
      expect(await guest().kernelComplaints()).toEqual([]);
    },
    600 * SECOND,
  );
});
