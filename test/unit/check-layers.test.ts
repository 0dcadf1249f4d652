import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLayers } from '../../scripts/check-layers.js';
import { unusedExports } from '../../scripts/layers/unused-exports.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'clear-df-layers-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Violations of sources that consist of these files only, and of empty ones that they import, one line each. */
async function check(files: Record<string, string>): Promise<string[]> {
  const all = new Map(Object.entries(files));
  for (const [name, text] of Object.entries(files)) {
    for (const [, specifier = ''] of name.endsWith('.ts') ? text.matchAll(/'(\.[^']+)\.js'/g) : []) {
      const target = `${path.posix.join(path.posix.dirname(name), specifier)}.ts`;
      if (!all.has(target)) all.set(target, 'export const e = 1; export type E = 1;');
    }
  }
  for (const [name, text] of all) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return (await checkLayers(root)).map(({ where, what, rule }) => `${where}: ${what}: ${rule}`);
}

describe('a house in order', () => {
  test('has no violations', async () => {
    const files = {
      'src/errors.ts': 'export const x = 1;',
      'src/net/address.ts': "import { x } from '../errors.js'; export const y = x;",
      'src/host/exec.ts': "import { execa } from 'execa'; import { y } from '../net/address.js'; export { execa, y };",
      'src/report/text.ts': "import type { y } from '../host/exec.js'; export type Y = typeof y;",
      'src/index.ts': "export { x } from './errors.js';",
      'csrc/packet/packet.h': '#include <stdint.h>\n',
      'csrc/packet/clear.c': '#include "packet.h"\n#include <linux/netlink.h>\n',
      'csrc/queue/mangler.h': '#include "packet/packet.h"\n',
      'csrc/node/addon.cc': '#include <napi.h>\n#include "queue/mangler.h"\n',
    };
    expect(await check(files)).toEqual([]);
  });
});

describe('the bench', () => {
  test('imports go one way, and may use the helpers of the tests', async () => {
    const files = {
      'bench/record/a.ts': 'export const a = 1;',
      'bench/lab/b.ts': "import { a } from '../record/a.js'; import '../../test/helpers/netns.js'; export const b = a;",
      'bench/main.ts': "import { b } from './lab/b.js'; b;",
    };
    expect(await check(files)).toEqual([]);
    expect(await check({ 'bench/page/c.ts': "import { b } from '../lab/b.js'; b;" })).toEqual([
      'bench/page/c.ts: imports bench/lab/b.ts: it is not to the left of page in any order of bench',
    ]);
    expect(await check({ 'bench/attic/d.ts': '' })).toContainEqual(expect.stringContaining("room 'attic'"));
  });

  test('has no circles either', async () => {
    const found = await check({ 'bench/lab/a.ts': "import './b.js';", 'bench/lab/b.ts': "import './a.js';" });
    expect(found).toEqual([
      expect.stringMatching(/^bench\/lab\/[ab]\.ts: imports itself through .*: no import circles$/),
    ]);
  });
});

describe('imports', () => {
  test.each([
    ['from the right', 'errors.ts', "import './cli/main.js';", 'it is not to the left of errors in any order of src'],
    ['across the orders', 'net/a.ts', "import '../mangler.js';", 'it is not to the left of net in any order of src'],
    [
      'of a re-export',
      'net/a.ts',
      "export * from '../host/exec.js';",
      'it is not to the left of net in any order of src',
    ],
    ['made late', 'net/a.ts', "await import('../host/exec.js');", 'it is not to the left of net in any order of src'],
    [
      'of a type',
      'net/a.ts',
      "import type { E } from '../cli/a.js'; export type F = E;",
      'it is not to the left of net in any order of src',
    ],
    [
      'of values through a door for types',
      'report/a.ts',
      "import { e } from '../host/exec.js'; e();",
      'report may import only types from host',
    ],
    ['of the public names', 'cli/a.ts', "import '../index.js';", 'nothing imports index.ts'],
    ['of the addon', 'mangler.ts', "import bindings from 'bindings'; bindings('x');", 'only src/native may import it'],
    ['of execa', 'cli/a.ts', "import { execa } from 'execa'; execa('x');", 'only src/host may import it'],
    ['of child processes', 'net/a.ts', "import 'node:child_process';", 'only src/host may import it'],
    ['into an unknown room', 'attic/a.ts', '', "room 'attic': every room has its place in an order"],
  ])('%s are found', async (_, file, text, rule) => {
    const found = await check({ [`src/${file}`]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`src/${file}: `);
    expect(found[0]).toContain(rule);
  });

  test('in a circle are found once', async () => {
    const found = await check({
      'src/net/a.ts': "import './b.js';",
      'src/net/b.ts': "import './c.js';",
      'src/net/c.ts': "import './a.js';",
    });
    expect(found).toEqual([
      expect.stringMatching(/^src\/net\/[abc]\.ts: imports itself through .*: no import circles$/),
    ]);
  });
});

describe('the machine', () => {
  test.each(["'/proc/net/route'", '`/proc/${1}/comm`', "'/sys/class/net'"])(
    'named by %s outside host is found',
    async (text) => {
      expect(await check({ 'src/commands/a.ts': `export const p = ${text};` })).toEqual([
        expect.stringContaining('only src/host reads /proc and /sys'),
      ]);
    },
  );

  test('may be spoken of in prose', async () => {
    expect(await check({ 'src/commands/a.ts': "export const hint = 'mount /proc first';" })).toEqual([]);
  });
});

describe('C', () => {
  test.each([
    ['a header of a later room', 'packet/ipv4.c', '#include "queue/worker.h"', 'queue is not to the left of packet'],
    ['a header across the orders', 'probe/raw.c', '#include "queue/worker.h"', 'queue is not to the left of probe'],
    ['Node in C', 'queue/queue.c', '#include <node_api.h>', 'C knows no Node'],
    ['netlink in the boundary', 'node/mangler_wrap.cc', '#include <libmnl/libmnl.h>', 'the boundary knows no netlink'],
    ['an unknown room', 'attic/a.c', '', "room 'attic': every room has its place in an order"],
    ['a file in no room', 'attic.c', '', "room 'attic': every room has its place in an order"],
  ])('%s is found', async (_, file, text, rule) => {
    expect(await check({ [`csrc/${file}`]: `${text}\n` })).toEqual([expect.stringContaining(rule)]);
  });

  test('a circle of two files of one room is found once', async () => {
    const files = { 'csrc/queue/a.c': '#include "b.h"\n', 'csrc/queue/a.h': '', 'csrc/queue/b.h': '#include "a.h"\n' };
    expect(await check(files)).toEqual(['csrc/queue/a: includes itself through queue/b, queue/a: no include circles']);
  });
});

test('a file of 301 lines is found, one of 300 is not', async () => {
  const found = await check({ 'test/unit/a.ts': '\n'.repeat(301), 'test/unit/b.ts': '\n'.repeat(300) });
  expect(found).toEqual(['test/unit/a.ts: has 301 lines: no file is longer than 300 lines']);
});

describe('exports', () => {
  test('only those count as unused that no file imports, by name, whole or as it runs', async () => {
    await check({
      'src/net/a.ts': 'export const named = 1; \nexport type Kind = 1;\nexport const own = 2;',
      'src/net/whole.ts': 'export const anything = 1;',
      'src/net/later.ts': 'export const late = 1;',
      'test/unit/a.test.ts':
        "import { named, type Kind as K } from '../../src/net/a.js'; import * as whole from '../../src/net/whole.js'; import('../../src/net/later.js');",
    });
    expect(unusedExports(root)).toEqual([{ file: 'src/net/a.ts', name: 'own' }]);
  });
});
