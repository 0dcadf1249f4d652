/**
 * A hub: tunnels of one router that share a bridge, its ports and their addresses, br_netfilter, and the policy that
 * blocks ICMP between the same two ends. Whole plans, on a router that does what the kernel does.
 *
 *   hosts ── eth0 [router] eth1 ── 192.168.200.254 ── 172.16.0.1   b
 *   more ─── eth3    br0                        └──── 172.16.0.2   c and d, by GRE key, inside somebody else's ESP
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/host/tunnel/journal.js';
import type { Item } from '../../src/tunnel/item.js';
import { Dead } from '../helpers/fake-machine.js';
import { FakeRouter } from '../helpers/fake-router.js';
import { TunnelLife } from '../helpers/tunnel-life.js';
import { link, withLinks } from './tunnel-machine.js';

let folder: string;
let life: TunnelLife;
// Each change of a journal is synced to its disk.
const QUICK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
beforeEach(() => {
  folder = mkdtempSync(path.join(QUICK, 'clear-df-hub-'));
  life = new TunnelLife(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

function text(name: string, remote: string, ports: string, ...more: string[]): string {
  return [
    ...[`name: ${name}`, 'local: 192.168.200.1', `remote: ${remote}`, 'underlay: eth1'],
    `bridge: { name: br0, ports: [${ports}], move-addresses: true }`,
    ...more,
  ].join('\n');
}

const EXTERNAL = 'carrier: { type: esp, mode: transport, cipher: aes-gcm-128, keys: external }';
const TEXTS: Record<string, string> = {
  b: text('b', '172.16.0.1', 'eth0', 'engine: nfqueue', 'tunnel: { name: gre-b }'),
  c: text('c', '172.16.0.2', 'eth0', 'engine: nfqueue', 'tunnel: { name: gre-c, key: 3 }', EXTERNAL),
  d: text('d', '172.16.0.2', 'eth0, eth3', 'engine: tunnel-flag', 'tunnel: { name: gre-d, key: 4 }', EXTERNAL),
};
const NAMES = Object.keys(TEXTS);

function router(): FakeRouter {
  const facts = withLinks(link('eth0', ['10.32.0.1/24'], { mtu: 1400 }), link('eth3', [], { up: false }));
  const route = { destination: '10.99.0.0/16', via: '10.32.0.50', dev: 'eth0', protocol: 'static' };
  const moved = { ...route, words: ['via', '10.32.0.50', 'dev', 'eth0'] };
  return FakeRouter.of({ ...facts, routes: [...facts.routes, moved], modules: new Set(['ip_gre']) });
}

const fileOf = (name: string) => life.fileOf(name);
const othersOf = (name: string) => life.othersOf(name);
const textOf = (name: string) => TEXTS[name] ?? '';
const up = (name: string, machine: FakeRouter, written = textOf(name)) => life.up(name, machine, written);
const down = (name: string, machine: FakeRouter) => life.down(name, machine);

const differs = (name: string, machine: FakeRouter): Item[] =>
  life.planOf(name, machine, textOf(name)).items.filter((item) => item.status(machine.facts).state !== 'in-sync');

describe('tunnels of one router', () => {
  const orders = [
    ...[
      ['b', 'c', 'd'],
      ['b', 'd', 'c'],
      ['c', 'b', 'd'],
    ],
    ...[
      ['c', 'd', 'b'],
      ['d', 'b', 'c'],
      ['d', 'c', 'b'],
    ],
  ];

  it.each([0, 5].flatMap((i) => orders.map((downs) => ({ ups: orders[i] ?? [], downs }))))(
    'up in the order $ups, down in the order $downs: the others keep all, the last leaves nothing',
    async ({ ups, downs }) => {
      const machine = router();
      const before = machine.text;
      for (const name of ups) await up(name, machine.reborn());
      for (const name of NAMES) expect(differs(name, machine).map(({ key }) => key)).toEqual([]);
      for (const [i, name] of downs.entries()) {
        await down(name, machine.reborn());
        for (const other of downs.slice(i + 1)) expect(differs(other, machine).map(({ key }) => key)).toEqual([]);
      }
      expect(machine.text).toBe(before);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('leave the machine equal as text whatever comes up, goes down and is killed in between', async () => {
    const step = fc.record({
      name: fc.constantFrom(...NAMES),
      verb: fc.constantFrom('up', 'down'),
      // No plan has more than 30 commands.
      diesAt: fc.option(fc.nat(59), { nil: undefined }),
    });
    let killed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.shuffledSubarray(NAMES, { minLength: 3 }),
        async (steps, order) => {
          for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
          const machine = router();
          const before = machine.text;
          const isUp = new Set<string>();
          for (const { name, verb, diesAt } of steps) {
            const process = machine.reborn();
            process.diesAt = diesAt;
            // Before it has ended well, nothing is promised of this one.
            isUp.delete(name);
            try {
              await (verb === 'up' ? up : down)(name, process);
              if (verb === 'up') isUp.add(name);
            } catch (error) {
              if (!(error instanceof Dead)) throw error;
              killed += 1;
            }
            for (const other of isUp) expect(differs(other, machine).map(({ key }) => key)).toEqual([]);
          }
          for (const name of order) await down(name, machine.reborn());
          expect(machine.text).toBe(before);
          expect(readdirSync(folder)).toEqual([]);
        },
      ),
      { numRuns: Number(process.env['CLEAR_DF_RUNS'] ?? 60) },
    );
    // Some of the steps have fewer commands than they are to die at.
    expect(killed).toBeGreaterThan(20);
  }, 120_000);

  it.each([1, 2, 3])(
    'take br_netfilter out again after an up on top of a half-done down, killed at %i / 2',
    async (diesAt) => {
      const machine = router();
      const before = machine.text;
      const killed = (run: typeof down, dies: number) => {
        const process = machine.reborn();
        process.diesAt = dies;
        return expect(run('b', process)).rejects.toBeInstanceOf(Dead);
      };
      await up('b', machine.reborn());
      // Behind the last change of all, which takes the module out.
      await killed(down, 17);
      expect(machine.facts.modules.has('br_netfilter')).toBe(false);
      await up('d', machine.reborn());
      await killed(up, diesAt);
      for (const name of ['b', 'd']) await down(name, machine.reborn());
      expect(machine.text).toBe(before);
    },
  );

  it('take br_netfilter out again where another one has gone on with what a killed one began', async () => {
    const machine = router();
    const before = machine.text;
    const process = machine.reborn();
    // Behind modprobe.
    process.diesAt = 1;
    await expect(up('b', process)).rejects.toBeInstanceOf(Dead);
    for (const name of ['c', 'b']) await up(name, machine.reborn());
    for (const name of ['c', 'b']) await down(name, machine.reborn());
    expect(machine.text).toBe(before);
  });

  it('two tunnels that want different values of one object are a conflict, which names the other tunnel', async () => {
    const machine = router();
    await up('b', machine.reborn());
    const before = machine.text;
    await expect(up('c', machine.reborn(), `${textOf('c')}\nmtu: 1400`)).rejects.toMatchObject({
      code: 'CONFLICT',
      object: 'c (/etc/c.yaml): mtu br0',
      reason: expect.stringContaining('tunnel b (/etc/b.yaml) is up and wants: br0 has an MTU of 1500 bytes') as string,
    });
    expect(machine.text).toBe(before);
  });

  it('have to agree that the addresses of a port move, whichever comes first', async () => {
    const machine = router();
    await up('b', machine.reborn());
    const still = textOf('c').replace('move-addresses: true', 'move-addresses: false');
    await expect(up('c', machine.reborn(), still)).rejects.toThrow('eth0 has 10.32.0.1/24');
  });
});

describe('a journal', () => {
  const named = (namespace: string | undefined) => {
    const data = JSON.parse(readFileSync(fileOf('b'), 'utf8')) as Record<string, unknown>;
    writeFileSync(fileOf('b'), JSON.stringify({ ...data, namespace }), { mode: 0o600 });
  };

  it('of a namespace that had the same inode is nobody’s, for its tunnel and for others', async () => {
    const machine = router();
    await up('b', machine.reborn());
    expect(Journal.read('b', fileOf('b'))?.proven).toBe(true);
    named('cookie-1');
    expect(Journal.read('b', fileOf('b'))).toBeUndefined();
    expect(othersOf('c')).toEqual([]);
  });

  it('of a version that did not name the namespace is used, and known to be unproven', async () => {
    await up('b', router());
    named(undefined);
    expect(Journal.read('b', fileOf('b'))?.proven).toBe(false);
    expect(othersOf('c').map(({ name }) => name)).toEqual(['b']);
  });

  it('of another tunnel that cannot be read keeps a tunnel from changing what they may share', async () => {
    await up('b', router());
    writeFileSync(fileOf('b'), '{', { mode: 0o600 });
    expect(() => othersOf('c')).toThrow('it is not a journal of version 2');
  });

  it('that version 0.1 wrote is read, so that its tunnel can be taken down after an upgrade', async () => {
    const machine = router();
    await up('b', machine.reborn());
    const data = JSON.parse(readFileSync(fileOf('b'), 'utf8')) as { entries: Record<string, unknown>[] };
    const entries = data.entries.map(({ desired, observed, state: _, ...kept }) => {
      return { ...kept, wanted: desired, found: observed, state: 'made' };
    });
    const now = Journal.read('b', fileOf('b'))?.entries;
    writeFileSync(fileOf('b'), JSON.stringify({ ...data, version: 1, entries }), { mode: 0o600 });
    expect(Journal.read('b', fileOf('b'))?.entries).toEqual(now);
  });
});
