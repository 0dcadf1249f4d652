/** Standard error that nobody reads: lines are dropped and counted, and nothing waits. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { errorSink } from '../../src/log/standard-error.js';

let folder: string;
let [reader, writer]: [number, number] = [-1, -1];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-log-'));
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
});
afterEach(() => {
  for (const one of [reader, writer]) if (one >= 0) closeSync(one);
  rmSync(folder, { recursive: true });
});

/** Everything that is in the pipe now. */
function read(): string {
  const bytes = Buffer.alloc(1 << 20);
  let length = 0;
  try {
    for (let got = -1; got !== 0; length += got) got = readSync(reader, bytes, length, bytes.length - length, null);
  } catch {
    // EAGAIN: it is empty.
  }
  return bytes.toString('utf8', 0, length);
}

const line = (number: number) => `${String(number).padStart(9, '0')} ${'x'.repeat(6000)}\n`;

it('a full pipe drops lines, whole ones, and their number stands before the next one that gets through', () => {
  const sink = errorSink({ descriptor: writer, notice: (dropped) => `dropped ${dropped}\n` });
  // A pipe holds 64 KiB, and these are 120,000 bytes.
  const sent = Array.from({ length: 20 }, (_, number) => sink.write(line(number)));
  const dropped = sent.filter((went) => !went).length;
  expect(dropped).toBeGreaterThan(0);
  expect(sent.lastIndexOf(true)).toBe(19 - dropped);
  const before = read();
  expect(sink.write('after\n')).toBe(true);
  const whole = Array.from({ length: 20 - dropped }, (_, number) => line(number)).join('');
  expect(before + read()).toBe(`${whole}dropped ${dropped}\nafter\n`);
});

it('a reader that has gone drops them, too', () => {
  closeSync(reader);
  reader = -1;
  expect(errorSink({ descriptor: writer }).write('one\n')).toBe(false);
});
