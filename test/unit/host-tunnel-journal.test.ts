/** Before the steps of a tunnel: what conflicts, and which journals are trusted. */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyItems, refuseConflicts } from '../../src/host/tunnel/apply.js';
import { Journal } from '../../src/host/tunnel/journal.js';
import { snapshotOf } from '../../src/host/tunnel/snapshot.js';
import { isStale } from '../../src/host/tunnel/stale-journal.js';
import { silentLogger } from '../../src/log.js';
import { FakeMachine, valueItem } from '../helpers/fake-machine.js';

const ITEMS = [valueItem('a', '1'), valueItem('b', '2', 3), valueItem('c', '3'), valueItem('d', '4', 2)];

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-journal-'));
  file = path.join(folder, 'run/tunnel.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function up(machine: FakeMachine) {
  const site = { file: '/etc/site.yaml', text: 'name: site' };
  const journal = Journal.fresh('site', site, snapshotOf(machine.facts), file);
  return applyItems(ITEMS, { machine, journal, log: silentLogger(), stopping: () => undefined });
}

describe('before anything is changed', () => {
  it("someone else's things are a conflict that names them", () => {
    const machine = new FakeMachine(new Map([['b', 'foreign']]));
    const refuse = () => refuseConflicts(ITEMS, machine.facts, { name: 'site', file: 's.yaml' });
    expect(refuse).toThrow(expect.objectContaining({ code: 'CONFLICT', reason: 'b is foreign' }) as Error);
  });

  it('a journal whose tunnel is all gone is distinguished from one that was cut short', async () => {
    const machine = new FakeMachine(new Map([['c', 'old']]));
    await up(machine);
    const journal = Journal.read('site', file) as Journal;
    expect(isStale(journal, ITEMS, machine.facts)).toBe(false);
    for (const name of ['a', 'b', 'd']) machine.values.delete(name);
    expect(isStale(journal, ITEMS, machine.facts)).toBe(false);
    machine.values.set('c', 'old');
    expect(isStale(journal, ITEMS, machine.facts)).toBe(true);
  });

  it('a journal that someone else could have written is refused: its commands are run', async () => {
    await up(new FakeMachine(new Map()));
    chmodSync(file, 0o620);
    expect(() => Journal.read('site', file)).toThrow('someone else than root can have written it');
    renameSync(file, `${file}.real`);
    symlinkSync(`${file}.real`, file);
    expect(() => Journal.read('site', file)).toThrow('ELOOP');
  });

  it('a journal of another version is not understood by half', async () => {
    await up(new FakeMachine(new Map()));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version":2', '"version":3'));
    expect(() => Journal.read('site', file)).toThrow('not a journal of version 2');
  });
});
