/**
 * `clear-df tunnel` killed by SIGKILL at every step, up and down. `test/helpers/article.ts` draws the network; rA's eth0
 * carries an address and a route more, which move to the bridge and back.
 *
 * Each run is killed at its first change, after (or at its second, before) it was done, so that each one gets exactly
 * one change further than the one before: with S changes it takes S killed runs, and one that finds nothing left to
 * kill it at. The journal has then lived through all of them, and still has to lead back to before the first.
 */
import { expect, it } from 'vitest';
import { type Article, article, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { Killer } from '../helpers/killer.js';
import type { Guest } from '../helpers/guest.js';
import type { Done, Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
/** Far more than any plan has changes. */
const RUNS_MAX = 40;

const ESP = '{ type: esp, mode: transport, cipher: aes-gcm-128, keys: site-a.keys }';

/** Writes the site file, and the keys where the carrier has some. */
async function site(at: Namespace, carrier: string, engine: string): Promise<string> {
  const folder = await at.machine.scratch('site-');
  const lines = [
    'name: site-a',
    `local: ${ROUTER_A}`,
    `remote: ${ROUTER_B}`,
    'underlay: eth1',
    'mtu: 1500',
    'bridge: { name: br0, ports: [eth0], move-addresses: true }',
    `carrier: ${carrier}`,
    `engine: ${engine}`,
  ];
  const file = `${folder}/site-a.yaml`;
  await at.machine.writeFile(file, `${lines.join('\n')}\n`);
  if (carrier !== 'plain') expect(await clearDf(at, ['tunnel', 'keys', file])).toMatchObject({ exitCode: 0 });
  return file;
}

/** An address with a second one beside it, and a route through a host behind eth0. */
async function addresses({ rA }: Article): Promise<void> {
  await rA.ip('address', 'add', '10.32.0.1/24', 'brd', '+', 'dev', 'eth0');
  await rA.ip('address', 'add', '10.32.0.2/24', 'dev', 'eth0');
  await rA.ip('route', 'add', '10.99.0.0/16', 'via', '10.32.0.50', 'dev', 'eth0', 'metric', '50');
}

/** Runs a verb again and again, each killed one change further, until one comes through. */
async function killedThrough(
  at: Namespace,
  killer: Killer,
  when: 'before' | 'after',
  args: string[],
): Promise<{ last: Done; runs: number }> {
  for (let runs = 1; runs <= RUNS_MAX; runs += 1) {
    const environment = await killer.aim(when, when === 'after' ? 1 : 2);
    const [node, main] = commandOf(at);
    const done = await at.try(node, [main, 'tunnel', ...args], 120 * SECOND, environment);
    // 137 is 128 + SIGKILL, as a shell says it; undefined, as the kernel does.
    if (done.exitCode !== undefined && done.exitCode !== 137) return { last: done, runs };
  }
  throw new Error(
    `tunnel ${args.join(' ')} has not come through in ${RUNS_MAX} runs, killed at ${(await killer.killed()).join(', ')}`,
  );
}

const VARIANTS = [
  { when: 'after', carrier: ESP, engine: 'nfqueue' },
  { when: 'before', carrier: 'plain', engine: 'tunnel-flag' },
] as {
  when: 'before' | 'after';
  carrier: string;
  engine: string;
}[];

interface Status {
  items: { key: string; state: string }[];
}

/** The module stays when a tunnel goes, and in any but the first namespace it brings gre0, gretap0 and erspan0 along. */
async function network(guest: Guest): Promise<Article> {
  await guest.modprobe('ip_gre');
  return article(guest);
}

describeKernels(['own'], 'a tunnel that is interrupted', (guest) => {
  it.each(VARIANTS)(
    'comes up and goes down again whole, killed $when each change (engine $engine)',
    async ({ when, carrier, engine }) => {
      const net = await network(guest());
      try {
        const { rA } = net;
        await addresses(net);
        const file = await site(rA, carrier, engine);
        const before = await routerText(rA);
        const killer = await Killer.create(rA);

        const up = await killedThrough(rA, killer, when, ['up', file, '--setup-only']);
        expect(up.last, up.last.stderr).toMatchObject({ exitCode: 0 });
        const killedUp = await killer.killed();
        // Every run but the last was killed, each at another change.
        expect(killedUp).toHaveLength(up.runs - 1);
        // Keys go by standard input: the two associations look alike.
        const told = killedUp.filter((command) => command !== 'ip -batch -');
        expect(new Set(told).size).toBe(told.length);
        expect(killedUp.length - told.length).toBe(carrier === 'plain' ? 0 : 2);
        // gretap, its MTU, port and start; bridge and its start; eth0 as port; two addresses on and off, one route.
        expect(killedUp.length).toBeGreaterThanOrEqual(11);
        const status = JSON.parse((await clearDf(rA, ['tunnel', 'status', file, '--json'])).stdout) as Status;
        expect(status.items.filter(({ state }) => state !== 'in-sync')).toEqual([]);
        expect(await rA.ip('-4', 'address', 'show', 'dev', 'eth0')).not.toContain('10.32.0.');
        expect(await rA.ip('route', 'show', '10.99.0.0/16')).toContain('dev br0');

        const down = await killedThrough(rA, killer, when, ['down', '--name', 'site-a']);
        expect(down.last, down.last.stderr).toMatchObject({ exitCode: 0 });
        expect((await killer.killed()).length - killedUp.length).toBe(down.runs - 1);
        expect(down.runs).toBeGreaterThan(5);
        expect(await routerText(rA)).toEqual(before);
        expect((await rA.try('ls', ['/run/clear-df'])).stdout).not.toContain('tunnel-');
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
      expect(await guest().kernelComplaints()).toEqual([]);
    },
    1800 * SECOND,
  );
});
