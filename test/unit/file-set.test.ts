/** Files that come together: whole, or as if they had never been. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { FileSet, installFile } from '../../src/host/install-file.js';

let root: string;
beforeEach(() => void (root = mkdtempSync(path.join(tmpdir(), 'clear-df-set-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (...names: string[]) => path.join(root, ...names);
const cause = new ClearDfError({ code: 'RUNTIME', operation: 'write file', object: 'c', reason: 'the disk is full' });

/** An old file with another text, and a new one in a folder that is new, too. */
function written(): FileSet {
  writeFileSync(at('old'), 'before');
  const set = new FileSet();
  set.write(
    at('old'),
    () => installFile(at('old'), '644', 'after'),
    () => installFile(at('old'), '644', 'before'),
  );
  set.folder(at('a', 'b'));
  set.write(at('a', 'b', 'new'), () => installFile(at('a', 'b', 'new'), '644', 'new'));
  return set;
}

describe('a set of files', () => {
  it('is put back whole, folders included', () => {
    const set = written();
    expect(set.files).toEqual([at('old'), at('a'), at('a', 'b'), at('a', 'b', 'new')]);
    expect(() => set.undo(cause)).toThrow(cause);
    expect(readFileSync(at('old'), 'utf8')).toBe('before');
    expect(readdirSync(root)).toEqual(['old']);
  });

  it('leaves a folder into which somebody else has put a file, and names it', () => {
    const set = written();
    writeFileSync(at('a', 'b', 'theirs'), '');
    expect(() => set.undo(cause)).toThrow(
      expect.objectContaining({
        reason: 'the disk is full',
        hint: `these could not be put back: ${at('a', 'b')}, ${at('a')}`,
      }),
    );
    expect(readdirSync(at('a', 'b'))).toEqual(['theirs']);
  });

  it('forgets what was not written', () => {
    const set = new FileSet();
    const failing = () => {
      throw cause;
    };
    expect(() => set.write(at('x'), failing)).toThrow(cause);
    expect(() => set.undo(cause)).toThrow(cause);
    expect(existsSync(at('x'))).toBe(false);
  });
});
