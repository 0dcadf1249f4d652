/** What tunnels of one machine share: the last one of them puts it back, whichever that is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClearDfError } from '../../src/errors.js';
import { applyItems } from '../../src/host/tunnel/apply.js';
import { snapshotOf } from '../../src/host/tunnel/snapshot.js';
import { Journal } from '../../src/host/tunnel/journal.js';
import { tunnelFile } from '../../src/host/tunnel/paths.js';
import { takeDown } from '../../src/host/tunnel/take-down.js';
import { silentLogger } from '../../src/log.js';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Item } from '../../src/tunnel/item.js';
import { FakeMachine, valueItem } from '../helpers/fake-machine.js';

const log = silentLogger();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-shared-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Each tunnel's own value is a route into segments. */
class Router extends FakeMachine {
  override get facts(): Facts {
    const routes = ['one', 'two'].filter((name) => this.values.has(name));
    const parts = { family: 4, table: '1', via: undefined, dev: 'eth1', words: ['encap', 'seg6'] } as const;
    return { ...super.facts, tableRoutes: routes.map((destination) => ({ ...parts, destination })) };
  }
}

/** Like strict_mode: put back while nobody has such a route. */
const plain = valueItem('strict', '1');
const strict: Item = {
  ...plain,
  undo: (facts) => plain.undo(facts).map((one) => ({ ...one, onlyWhile: { noRoutesWith: ['encap', 'seg6'] } })),
};
const PLANS: Record<string, Item[]> = { one: [strict, valueItem('one', 'on')], two: [strict, valueItem('two', 'on')] };

const fileOf = (name: string) => tunnelFile(name, 'json', folder);

const others = (name: string) =>
  Journal.others(
    name,
    (error) => {
      throw error;
    },
    folder,
  );

async function up(name: string, machine: FakeMachine): Promise<void> {
  const site = { file: `/etc/${name}.yaml`, text: name };
  const journal = Journal.fresh(name, site, snapshotOf(machine.facts), fileOf(name));
  await applyItems(PLANS[name] ?? [], { machine, journal, others: others(name), log, stopping: () => undefined });
}

async function down(name: string, machine: FakeMachine): Promise<void> {
  const journal = Journal.read(name, fileOf(name));
  if (journal === undefined) throw new Error(`${name} is not up`);
  expect((await takeDown(PLANS[name] ?? [], { machine, journal, others: others(name), log })).failed).toEqual([]);
}

it.each([
  ['one', 'two'],
  ['two', 'one'],
] as const)('stays when %s goes, and goes with %s', async (first, last) => {
  const machine = new Router(new Map([['strict', '0']]));
  await up('one', machine);
  await up('two', machine);
  await down(first, machine);
  expect(machine.values.get('strict')).toBe('1');
  await down(last, machine);
  expect(Object.fromEntries(machine.values)).toEqual({ strict: '0' });
});

it('an item that was in sync before the first tunnel is never undone', async () => {
  const machine = new Router(new Map([['strict', '1']]));
  for (const name of ['one', 'two']) await up(name, machine);
  for (const name of ['one', 'two']) await down(name, machine);
  expect(Object.fromEntries(machine.values)).toEqual({ strict: '1' });
});

it('is not kept in the journal of a tunnel that has failed to come up', async () => {
  const machine = new Router(new Map([['strict', '0']]));
  await up('one', machine);
  machine.refuses.add('set two on');
  await expect(up('two', machine)).rejects.toThrow('refused');
  expect(Journal.read('two', fileOf('two'))).toBeUndefined();
  expect(Object.fromEntries(machine.values)).toEqual({ strict: '1', one: 'on' });
});

it('does not take a folder that cannot be read for one without tunnels', () => {
  const file = path.join(folder, 'no-folder');
  writeFileSync(file, '');
  const seen: ClearDfError[] = [];
  expect(Journal.others('one', (error) => seen.push(error), file)).toEqual([]);
  expect(seen).toEqual([expect.objectContaining({ errno: 'ENOTDIR', code: 'RUNTIME' })]);
  expect(Journal.others('one', (error) => seen.push(error), path.join(folder, 'none'))).toEqual([]);
  expect(seen).toHaveLength(1);
});
