/** The difference of two texts, as diff(1) and patch(1) write it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unifiedDiff } from '../../src/net/unified.js';

describe('a unified difference', () => {
  const text = fc
    .array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n', 'd'), { maxLength: 12 })
    .map((lines) => lines.join(''));
  const names = { before: 'x', after: 'y' };

  it('leads from one text to the other', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const body = unifiedDiff(before, after, names).slice(3);
        const side = (marks: string) =>
          body.flatMap((line, i) => {
            if (!marks.includes(line.charAt(0))) return [];
            return [`${line.slice(1)}${body[i + 1]?.startsWith('\\') === true ? '' : '\n'}`];
          });
        expect(before === after ? before : side(' -').join('')).toBe(before);
        expect(before === after ? after : side(' +').join('')).toBe(after);
      }),
    );
  });

  it('is what patch takes', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-diff-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'text');
    const [one, two] = ['a\nb\nc\nlast', 'a\nx\nc\nd\n'];
    writeFileSync(file, one);
    execFileSync('patch', ['-s', file], { input: `${unifiedDiff(one, two, names).join('\n')}\n` });
    expect(readFileSync(file, 'utf8')).toBe(two);
  });
});
