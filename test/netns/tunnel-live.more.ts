/**
 * A VXLAN of three sites whose file at rA is edited while it is up. `test/helpers/mesh.ts` draws the network.
 *
 * hA pings hB all the while, 20 times a second, with DF and packets of 1400 bytes: 1400 + 50 = 1450 outside, whole.
 * Packets of 1500 bytes are 1550 outside, and need an engine: 1500 and 70.
 */
import { expect, it } from 'vitest';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { Killer } from '../helpers/killer.js';
import { hostOf, type Mesh, mesh, meshEnd, routerOf, SITES } from '../helpers/mesh.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import type { SiteOptions, TunnelEnd } from '../helpers/tunnel.js';

const VXLAN = 'tunnel: { type: vxlan }';
const OTHER_NUMBER = 'tunnel: { type: vxlan, vni: 2 }';
const ONLY_B = [routerOf('B')];
const MINUTES = 10 * 60_000;

const edit = (net: Mesh, options: SiteOptions = {}): Promise<TunnelEnd> => meshEnd(net, 'A', options);

async function statusOf({ at, file }: TunnelEnd): Promise<string> {
  const { exitCode, stdout, stderr } = await clearDf(at, ['tunnel', 'status', file], 60_000);
  expect(exitCode, stdout + stderr).toBe(0);
  return stdout;
}

async function upAll(net: Mesh): Promise<TunnelEnd[]> {
  const ends = await Promise.all(SITES.map((site) => meshEnd(net, site)));
  await Promise.all(ends.map((end) => end.up()));
  return ends;
}

/** Requests that were not answered; what is under way when ping ends does not count. */
function lost(stdout: string): number[] {
  const answered = new Set([...stdout.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, number]) => Number(number)));
  const last = Math.max(...answered);
  return Array.from({ length: last }, (_, i) => i + 1).filter((number) => !answered.has(number));
}

/** While the bridge is there, its timers run. */
async function upText(at: Namespace): Promise<Record<string, string>> {
  const { link = '', ...texts } = await routerText(at);
  return { ...texts, link: link.replace(/_timer +[\d.]+/g, '') };
}

/** An `ip` that refuses one command. */
async function refusing(at: Namespace, words: string): Promise<Record<string, string>> {
  const folder = await at.machine.scratch('refusing-');
  const script = [
    '#!/bin/sh',
    `case " $* " in *" ${words} "*) echo 'refused for the test' >&2; exit 2;; esac`,
    'for real in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip; do [ -x "$real" ] && exec "$real" "$@"; done',
  ];
  await at.machine.writeFile(`${folder}/bin/ip`, `${script.join('\n')}\n`, 0o755);
  return { PATH: `${folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
}

it(
  'takes another MTU, another engine, one site less and more, and no packet between others is lost',
  async () => {
    const net = await mesh();
    await using _lab = net.lab;
    const { h, r } = net;
    const before = await Promise.all(SITES.map((site) => routerText(r[site])));
    const ends = await upAll(net);
    const first = await upText(r.A);
    const flow = h.A.spawn('ping', ['-n', '-M', 'do', '-s', '1372', '-i', '0.05', hostOf('B')]);
    await flow.says(/icmp_seq=3 /);

    // Smaller, and one site less: the plan is the difference, and nothing else changes.
    const small = await edit(net, { remotes: ONLY_B, more: [VXLAN, 'mtu: 1400'] });
    const plan = await clearDf(r.A, ['tunnel', 'plan', small.file], 60_000);
    expect(plan.stdout).toContain('# it is up from another version of the file: this is the difference');
    expect(plan.stdout).toContain('#   packets of more than 1400 bytes from host to host\n');
    expect(plan.stdout).toContain('\nip link set dev vxlan1 mtu 1400\n');
    expect(plan.stdout).toContain(`# no longer: vxlan1 sends to ${routerOf('C')}\nbridge fdb delete `);
    expect(plan.stdout).not.toContain('ip link add');
    await small.up();
    expect(await statusOf(small)).toContain('vxlan1 has an MTU of 1400 bytes');
    expect(await ping(h.A, hostOf('B'), { count: 1, patience: 1 })).toMatchObject({ received: 0 });

    // Back, with a queue in place of the program; then without.
    const queue = await edit(net, { engine: 'nfqueue', more: [VXLAN, 'metrics: off'] });
    await queue.up();
    expect(await statusOf(queue)).not.toContain('a program at the egress');
    expect(await ping(h.A, hostOf('B'))).toMatchObject({ received: 3 });
    await flow.stop('SIGINT');
    expect(lost(flow.stdout)).toEqual([]);

    // The end of the process that has the queue: a frame that is just being queued may be lost with it.
    const later = h.A.spawn('ping', ['-n', '-M', 'do', '-s', '1372', '-i', '0.05', hostOf('B')]);
    await later.says(/icmp_seq=3 /);
    const again = await edit(net);
    await again.up();
    expect(await queue.running.wait()).toMatchObject({ exitCode: 0 });
    expect(await ping(h.A, hostOf('C'))).toMatchObject({ received: 3 });
    expect(await upText(r.A)).toEqual(first);

    await later.stop('SIGINT');
    expect(lost(later.stdout).length).toBeLessThanOrEqual(1);
    for (const end of ends) await end.down();
    expect(await Promise.all(SITES.map((site) => routerText(r[site])))).toEqual(before);
  },
  MINUTES,
);

it(
  'goes back to the earlier version when a step fails, and a device that was removed is there again',
  async () => {
    const net = await mesh();
    await using _lab = net.lab;
    const { h, r } = net;
    const before = await routerText(r.A);
    const [near] = await upAll(net);
    const found = await upText(r.A);
    // A device of another number is made, and another site is left out; then its MTU is refused.
    const edited = await edit(net, { remotes: ONLY_B, more: [OTHER_NUMBER, 'mtu: 1400'] });
    const [node, main] = commandOf(r.A);
    const environment = await refusing(r.A, 'dev vxlan1 mtu 1400');
    const done = await r.A.try(node, [main, 'tunnel', 'up', edited.file], 120_000, environment);
    expect(done.exitCode, done.stderr).toBe(1);
    expect(done.stderr).toContain('vxlan vxlan1 is removed and made again: no frame passes');
    expect(done.stderr).toContain('is up from the earlier version of the file');
    const { link: _link, address: _address, ...rest } = await upText(r.A);
    // A device that was made anew has another number and another address.
    expect(found).toMatchObject(rest);
    const same = await edit(net);
    await statusOf(same);
    for (const site of ['B', 'C'] as const) {
      expect(await ping(h.A, hostOf(site))).toMatchObject({ received: 3 });
    }
    await near?.down();
    expect(await routerText(r.A)).toEqual(before);
  },
  MINUTES,
);

it(
  'killed at any command, goes on or back with the next up, and down leaves nothing',
  async () => {
    const net = await mesh();
    await using _lab = net.lab;
    const { h, r } = net;
    const before = await routerText(r.A);
    await upAll(net);
    const killer = await Killer.create(r.A);
    const [node, main] = commandOf(r.A);
    let at = 1;
    for (let alive = false; !alive; at += 1) {
      const edited = await edit(net, { remotes: ONLY_B, more: [OTHER_NUMBER, 'mtu: 1400'] });
      const environment = await killer.aim(at % 2 === 0 ? 'before' : 'after', at);
      const done = await r.A.try(node, [main, 'tunnel', 'up', edited.file], 120_000, environment);
      alive = done.exitCode === 0;
      // On, then back; or down from where it stopped, and up.
      if (at % 3 === 0) {
        await edited.down();
        expect(await routerText(r.A)).toEqual(before);
      } else if (at % 3 === 1) {
        await edited.up();
        await statusOf(edited);
      }
      const back = await edit(net);
      await back.up();
      await statusOf(back);
      expect(await ping(h.A, hostOf('C'))).toMatchObject({ received: 3 });
    }
    // Removed, made, MTU, port, up; twice, because the bridge takes the smallest MTU.
    expect((await killer.killed()).length).toBeGreaterThanOrEqual(5);
    await (await edit(net)).down();
    expect(await routerText(r.A)).toEqual(before);
  },
  3 * MINUTES,
);
