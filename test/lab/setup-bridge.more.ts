/**
 * What `clear-df setup` writes for two sites, taken at its word: its files, its steps, and then a full-size ping.
 * `test/helpers/article.ts` draws the network; rA has an address towards its hosts, which has to move to the bridge.
 */
import { expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { clearDf } from '../helpers/clear-df.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { describeKernels } from './kernels.js';

const MINUTES = 60_000;
const OWN = '10.32.0.1';

/** Runs one command of clear-df, which has to do what it is told. */
async function does(at: Namespace, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await clearDf(at, words, 4 * MINUTES);
  expect(exitCode, `${words.join(' ')}: ${stdout}${stderr}`).toBe(0);
  return stdout;
}

async function passes({ hA, hB }: Article): Promise<void> {
  expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
  expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
}

describeKernels(['own'], 'clear-df setup for two sites', (guest) => {
  it.each([
    ['plain', []],
    ['keys', ['site-a.keys']],
  ] as const)(
    'carrier %s: its files and its steps make full-size packets pass',
    async (carrier, secret) => {
      await guest().modprobe('ip_gre', 'esp4');
      const net = await article(guest());
      try {
        const { hA, rA, rB } = net;
        await rA.ip('address', 'add', `${OWN}/24`, 'dev', 'eth0');
        const before = [await routerText(rA), await routerText(rB)];
        const [here, there] = [await guest().scratch('here-'), await guest().scratch('there-')];
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });

        const answers = ['--purpose', 'bridge', '--remote', ROUTER_B, '--carrier', carrier];
        const said = await does(rA, 'setup', ...answers, '--output', here, '--yes');
        const made = ['site-a.yaml', 'site-b.yaml', ...secret];
        expect((await rA.exec('ls', [here])).trim().split('\n').sort()).toEqual([...made].sort());
        expect(said).toContain(`local: ${ROUTER_A}\nremote: ${ROUTER_B}\nunderlay: eth1\n`);
        expect(await routerText(rA)).toEqual(before[0]);

        // As its steps say: copied, and up on both.
        for (const name of made.slice(1)) await rB.exec('cp', ['-p', `${here}/${name}`, there]);
        const [a, b] = [`${here}/site-a.yaml`, `${there}/site-b.yaml`];
        await does(rA, 'tunnel', 'up', a);
        await does(rB, 'tunnel', 'up', b);
        await passes(net);
        // The router itself is among its hosts.
        expect(await ping(hA, OWN)).toMatchObject({ received: 3 });
        await does(rA, 'tunnel', 'status', a);
        await does(rA, 'doctor', a);

        await does(rA, 'tunnel', 'down', a);
        await does(rB, 'tunnel', 'down', b);
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    15 * MINUTES,
  );
});
