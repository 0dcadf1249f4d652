/** What the planner has in place of Node's modules, held against them. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexOf, randomBytes, randomWhole } from '../../src/net/bytes.js';
import { baseOf, folderOf, inFolder } from '../../src/net/path.js';
import { sha256 } from '../../src/net/sha256.js';

describe('sha256', () => {
  it('equals that of node:crypto, whatever the text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(fc.property(text, (one) => sha256(one) === createHash('sha256').update(one).digest('hex')));
  });

  // 55 bytes are the last that fit one block with their length, 64 fill one.
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 100_000])('pads %i bytes as FIPS 180-4 says', (length) => {
    const text = 'a'.repeat(length);
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'));
  });
});

describe('names of files', () => {
  const part = fc.constantFrom('a', 'b.yaml', '..', '.', '');
  const name = fc.tuple(fc.constantFrom('', '/'), fc.array(part, { minLength: 1, maxLength: 6 }));

  it('are taken from an absolute folder as path.resolve takes them', () => {
    const absolute = (one: string) => path.posix.resolve('/etc/clear-df', one);
    fc.assert(
      fc.property(name, ([root, parts]) => {
        const one = root + parts.join('/');
        expect(inFolder('/etc/clear-df', one)).toBe(absolute(one));
      }),
    );
  });

  it('have a folder and a last part', () => {
    for (const one of ['/etc/clear-df/site-a.yaml', '/site-a.yaml', 'x/site-a.yaml', 'site-a.yaml']) {
      expect(baseOf(one)).toBe(path.posix.basename(one));
      expect(folderOf(one) || '.').toBe(path.posix.dirname(one));
    }
    expect(inFolder('', 'site.keys')).toBe('site.keys');
  });
});

it('random whole numbers stay in their range, and reach both ends of a small one', () => {
  const seen = new Set(Array.from({ length: 500 }, () => randomWhole(256, 259)));
  expect([...seen].sort()).toEqual([256, 257, 258]);
  expect(hexOf(randomBytes(20))).toMatch(/^[\da-f]{40}$/);
});
