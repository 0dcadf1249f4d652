/**
 * A tunnel that is up, and a file that is edited: whole plans, on a router that does what the kernel does.
 *
 *   hosts ── eth0 [router] eth1 ── 192.168.200.254 ── 172.16.0.1 or .2
 *   more ─── eth3    br0 or br1
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { differenceOf } from '../../src/host/tunnel/former.js';
import { cutsOfDifference } from '../../src/tunnel/difference.js';
import type { Facts } from '../../src/tunnel/facts.js';
import { planText } from '../../src/tunnel/plan-text.js';
import { Dead } from '../helpers/fake-machine.js';
import { FakeRouter } from '../helpers/fake-router.js';
import { TunnelLife } from '../helpers/tunnel-life.js';
import { link, withLinks } from './tunnel-machine.js';

let folder: string;
let life: TunnelLife;
const QUICK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
beforeEach(() => {
  folder = mkdtempSync(path.join(QUICK, 'clear-df-live-'));
  life = new TunnelLife(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** After a wanted change: look at the difference, then UPDATE_GOLDEN=1. */
const GOLDEN = path.join(import.meta.dirname, '../golden/tunnel-difference.txt');

function router(): FakeRouter {
  const facts = withLinks(link('eth0', ['10.32.0.1/24'], { mtu: 1400 }), link('eth3', [], { up: false }));
  const route = { destination: '10.99.0.0/16', via: '10.32.0.50', dev: 'eth0', protocol: 'static' };
  const moved = { ...route, words: ['via', '10.32.0.50', 'dev', 'eth0'] };
  return FakeRouter.of({ ...facts, routes: [...facts.routes, moved], modules: new Set(['ip_gre']) });
}

const EXTERNAL = '{ type: esp, mode: transport, cipher: aes-gcm-128, keys: external }';
const version = fc
  .record({
    remote: fc.constantFrom('172.16.0.1', '172.16.0.2'),
    mtu: fc.constantFrom(1400, 1500),
    bridge: fc.constantFrom('br0', 'br1'),
    ports: fc.constantFrom('eth0', 'eth0, eth3', 'eth3'),
    engine: fc.constantFrom('tunnel-flag', 'nfqueue'),
    tunnel: fc.constantFrom('name: gre-a', 'name: gre-b', 'name: gre-a, key: 3', 'name: gre-a, ttl: 64'),
    carrier: fc.constantFrom('plain', EXTERNAL),
  })
  .map(({ remote, mtu, bridge, ports, engine, tunnel, carrier }) =>
    [
      ...['name: a', 'local: 192.168.200.1', `remote: ${remote}`, 'underlay: eth1', `mtu: ${mtu}`],
      `bridge: { name: ${bridge}, ports: [${ports}], move-addresses: true }`,
      ...[`engine: ${engine}`, `tunnel: { ${tunnel} }`, `carrier: ${carrier}`],
    ].join('\n'),
  );

/** What a first `up` of this file makes. */
async function firstUp(written: string): Promise<string> {
  const machine = router();
  const other = mkdtempSync(path.join(QUICK, 'clear-df-live-'));
  await new TunnelLife(other).up('a', machine, written);
  rmSync(other, { recursive: true });
  return machine.text;
}

/** SIGKILL at a command: nothing is written behind it. @returns whether it came to that */
async function killed(victim: FakeRouter, run: () => Promise<void>): Promise<boolean> {
  let left: Buffer | undefined;
  const file = life.fileOf('a');
  victim.atDeath = () => void (left = existsSync(file) ? readFileSync(file) : undefined);
  try {
    await run();
    return false;
  } catch (error) {
    if (!(error instanceof Dead)) throw error;
    if (left !== undefined) writeFileSync(file, left);
    return true;
  }
}

/** Tunnel devices of which neither of two guards blocks the GRE. */
function unguarded({ links, policies, tables = [] }: Facts): string[] {
  const open = links.filter(({ kind, data: { local, remote, okey = 0 } }) => {
    if (kind !== 'gretap') return false;
    const blocked = policies.some(
      (one) =>
        one.blocks === true &&
        one.source === `${String(local)}/32` &&
        one.destination === `${String(remote)}/32` &&
        one.greKey === okey,
    );
    return !blocked || tables.length === 0;
  });
  return open.map(({ name }) => name);
}

describe('up on an edited file', () => {
  it('makes what a first up of it makes, however often the change was killed; down leaves nothing', async () => {
    const step = fc.record({ written: version, kills: fc.array(fc.nat(59), { maxLength: 2 }) });
    let kills = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), fc.boolean(), async (steps, cutShort) => {
        for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
        const machine = router();
        const before = machine.text;
        for (const [i, { written, kills: at }] of steps.entries()) {
          for (const diesAt of at) {
            const victim = machine.reborn();
            victim.diesAt = diesAt;
            if (await killed(victim, () => life.up('a', victim, written))) kills += 1;
          }
          // The last one may be left half done.
          if (cutShort && i === steps.length - 1 && at.length > 0) break;
          await life.up('a', machine.reborn(), written);
          expect(machine.text).toBe(await firstUp(written));
        }
        await life.down('a', machine.reborn());
        expect(machine.text).toBe(before);
        expect(readdirSync(folder)).toEqual([]);
      }),
      { numRuns: 30 },
    );
    expect(kills).toBeGreaterThan(5);
  });

  it('shows the difference, and what it cuts', async () => {
    const text = (remote: string, mtu: number, ports: string, key: string) =>
      [
        ...['name: a', 'local: 192.168.200.1', `remote: ${remote}`, 'underlay: eth1', `mtu: ${mtu}`],
        `bridge: { name: br0, ports: [${ports}], move-addresses: true }`,
        ...['engine: tunnel-flag', `tunnel: { name: gre-a${key} }`, `carrier: ${EXTERNAL}`],
      ].join('\n');
    const machine = router();
    await life.up('a', machine.reborn(), text('172.16.0.1', 1500, 'eth0, eth3', ''));
    const { plan, items, journal, origin, former } = life.planOf(
      'a',
      machine,
      text('172.16.0.2', 1400, 'eth0', ', key: 3'),
    );
    const difference = differenceOf(items, { journal, facts: machine.facts, origin, former });
    const shown = planText(plan, machine.facts, {
      difference,
      cuts: cutsOfDifference(items, machine.facts, difference),
    });
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(GOLDEN, shown);
    expect(shown).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  it('refuses a new port that carries the IPv6 default route, and none for what one of its own has been given since', async () => {
    const text = (ports: string) =>
      [
        ...['name: a', 'local: 192.168.200.1', 'remote: 172.16.0.1', 'underlay: eth1'],
        `bridge: { name: br0, ports: [${ports}], move-addresses: true }`,
      ].join('\n');
    const machine = router();
    const carrying = (...defaults6: string[]) => FakeRouter.of({ ...machine.facts, defaults6 });
    await life.up('a', machine, text('eth0'));
    const before = machine.text;
    for (const carries of [['eth3'], ['eth0', 'eth3']]) {
      const edited = carrying(...carries);
      await expect(life.up('a', edited, text('eth0, eth3'))).rejects.toThrow(/eth3 carries the IPv6 default route/);
      expect(edited.text).toBe(before);
    }
    const edited = carrying('eth0', 'eth2');
    await life.up('a', edited, text('eth0, eth3'));
    expect(edited.text).toBe(await firstUp(text('eth0, eth3')));
  });

  it('that fails half-way goes back to what it found, whichever command fails', async () => {
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(version, version, fc.nat(29), async (from, to, refusesAt) => {
        for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
        const machine = router();
        const before = machine.text;
        await life.up('a', machine.reborn(), from);
        const found = machine.text;
        const process = machine.reborn();
        process.refusesAt = refusesAt;
        try {
          await life.up('a', process, to);
        } catch (error) {
          if (!(error instanceof ClearDfError)) throw error;
          failures += 1;
          expect(machine.text).toBe(found);
          await life.up('a', machine.reborn(), from);
          expect(machine.text).toBe(found);
        }
        await life.down('a', machine.reborn());
        expect(machine.text).toBe(before);
      }),
      { numRuns: 30 },
    );
    expect(failures).toBeGreaterThan(3);
  });

  it('whose device is made anew has the nft guard of each for as long as that one is up, also on the way back', async () => {
    const text = (name: string, remote: string) =>
      [
        ...['name: a', 'local: 192.168.200.1', `remote: ${remote}`, 'underlay: eth1', 'engine: tunnel-flag'],
        `bridge: { name: br0, ports: [eth0], move-addresses: true }\ntunnel: { name: ${name} }\ncarrier: ${EXTERNAL}`,
      ].join('\n');
    const versions = { 'gre-a': text('gre-a', '172.16.0.1'), 'gre-b': text('gre-b', '172.16.0.2') };
    const tables = new Map<string, readonly string[]>();
    for (const [name, written] of Object.entries(versions)) {
      const alone = router();
      const other = mkdtempSync(path.join(QUICK, 'clear-df-live-'));
      await new TunnelLife(other).up('a', alone, written);
      rmSync(other, { recursive: true });
      tables.set(name, alone.facts.tables ?? []);
    }
    for (let refusesAt = 0; refusesAt <= 30; refusesAt += 1) {
      for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
      const machine = router();
      await life.up('a', machine.reborn(), versions['gre-a']);
      const process = machine.reborn();
      process.refusesAt = refusesAt;
      process.behind = () => {
        const up = machine.facts.links.filter((one) => one.kind === 'gretap' && one.up).map(({ name }) => name);
        for (const name of up) expect(machine.facts.tables, `${name}, ${refusesAt}`).toEqual(tables.get(name));
      };
      await life.up('a', process, versions['gre-b']).catch((error: unknown) => {
        if (!(error instanceof ClearDfError)) throw error;
      });
    }
  });

  it('between encrypting carriers never has a tunnel device whose GRE nothing blocks, also where it fails or goes down', async () => {
    const sealed = version.map((written) => written.replace(/carrier: .*/, `carrier: ${EXTERNAL}`));
    let looks = 0;
    await fc.assert(
      fc.asyncProperty(sealed, sealed, fc.option(fc.nat(59), { nil: undefined }), async (from, to, refusesAt) => {
        for (const file of readdirSync(folder)) rmSync(path.join(folder, file));
        const machine = router();
        const watched = () => {
          const process = machine.reborn();
          process.behind = () => {
            looks += 1;
            expect(unguarded(machine.facts)).toEqual([]);
          };
          return process;
        };
        await life.up('a', watched(), from);
        const changing = watched();
        changing.refusesAt = refusesAt;
        await life.up('a', changing, to).catch((error: unknown) => {
          if (!(error instanceof ClearDfError)) throw error;
        });
        await life.down('a', watched());
      }),
      { numRuns: 20 },
    );
    expect(looks).toBeGreaterThan(500);
  });
});
