/**
 * ESP in UDP through a NAT that gives another port. `test/helpers/article.ts` draws the network; w is the NAT:
 *
 *   rA 192.168.200.1:4500 ── w ── 172.16.0.2:6000 … 172.16.0.1:4500 rB
 *
 * Static keys learn nothing: rB's file has the NAT's address and port, and rB's key file its address in the place of rA's.
 * Nothing comes in by the NAT before rA has sent something: its keepalives do.
 */
import { expect, it } from 'vitest';
import { article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import { keyFile } from '../helpers/esp.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, TunnelEnd, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const NAT = '172.16.0.2';
const NAT_PORT = 6000;
const CIPHER = 'aes-gcm-128';

describeKernels(['own'], 'ESP in UDP through a NAT', (guest) => {
  it(
    'passes in transport mode, where the other end knows address and port',
    async () => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const masquerade = ['-s', ROUTER_A, '-p', 'udp', '-j', 'MASQUERADE', '--to-ports', String(NAT_PORT)];
        await w.exec('iptables', ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'eth1', ...masquerade]);
        const keys = await keyFile(net, CIPHER);
        const beyond = `${keys}.b`;
        const text = (await net.lab.machine.readFile(keys)).toString();
        await net.lab.machine.writeFile(beyond, text.replaceAll(ROUTER_A, NAT), 0o600);
        const carrier = `type: esp-in-udp, mode: transport, cipher: ${CIPHER}`;
        const engine = 'tunnel-flag';
        const inner = `{ ${carrier}, keys: ${keys}, keepalive: 1 }`;
        const outer = `{ ${carrier}, keys: ${beyond}, keepalive: 0, remote-port: ${NAT_PORT} }`;
        const ends = [
          await TunnelEnd.write(rA, 'site-a', ROUTER_A, ROUTER_B, { carrier: inner, engine }),
          await TunnelEnd.write(rB, 'site-b', ROUTER_B, NAT, { carrier: outer, engine }),
        ];
        const wan = await Capture.start(w, 'eth1', ['ip']);
        await upBoth(ends);
        // From behind the far end first: only keepalives have left rA so far.
        expect(await ping(hB, HOST_A)).toMatchObject({ received: 3 });
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
        await deliver(hA, hB, HOST_B, 500_000);
        expect(await datagrams(hB, hA, HOST_A, { count: 100 })).toMatchObject({ sent: 100, lost: 0 });
        await downBoth(ends);
        await wan.finish(24);
        const ports = [`udp port ${NAT_PORT} and udp port 4500`, 'ip[6:2] & 0x1fff != 0 and ip proto 17', 'icmp'];
        expect(await wan.lines([`not (${ports.join(') and not (')})`])).toEqual(['']);
        expect(
          (await wan.lines([`src host ${NAT} and udp src port ${NAT_PORT} and udp[4:2] = 9`])).length,
        ).toBeGreaterThan(0);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
      expect(await guest().kernelComplaints()).toEqual([]);
    },
    600 * SECOND,
  );
});
