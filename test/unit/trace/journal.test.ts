/** The journal of a trace: who may take it, and whose a dead one is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OwnJournal, readDeadJournal, takeTraceLock } from '../../../src/host/trace/journal.js';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'trace-journal-'));
  file = path.join(folder, 'trace-1.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As a killed trace leaves it; process numbers end far below this one. */
function dead(change: object = {}): void {
  const journal = OwnJournal.take(file);
  const data = { ...journal.data, tracer: { pid: 2 ** 30 }, logger: 'NONE', ...change };
  writeFileSync(file, JSON.stringify(data));
}

describe('the journal of a trace', () => {
  it('is there while it runs, and nobody else gets its lock', () => {
    const lock = takeTraceLock(`${file}.lock`);
    expect(() => takeTraceLock(`${file}.lock`)).toThrow(new RegExp(`lock the trace of .*: process ${process.pid} `));
    const journal = OwnJournal.take(file);
    journal.update({ logger: 'nf_log_syslog', readers: [{ pid: 1, started: 2 }] });
    const written: unknown = JSON.parse(readFileSync(file, 'utf8'));
    expect(written).toMatchObject({ logger: 'nf_log_syslog', readers: [{ pid: 1 }], tracer: { pid: process.pid } });
    journal.remove();
    lock.release();
    // Nothing beside it either.
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a dead process names what has to be undone, and is replaced', () => {
    dead();
    expect(readDeadJournal(file)).toMatchObject({ logger: 'NONE', tracer: { pid: 2 ** 30 } });
    expect(OwnJournal.take(file).data.logger).toBeUndefined();
  });

  it('a journal of an earlier boot or of another program is ignored', () => {
    dead({ boot: 'another' });
    expect(readDeadJournal(file)).toBeUndefined();
    writeFileSync(file, 'no journal');
    expect(readDeadJournal(file)).toBeUndefined();
    rmSync(file);
    expect(readDeadJournal(file)).toBeUndefined();
  });
});
