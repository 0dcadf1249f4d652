import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLayers } from '../../scripts/check-layers.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'clear-df-layers-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Violations of a house that consists of these files only, one line each. */
function check(files: Record<string, string>): string[] {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return checkLayers(root).map(({ where, what, rule }) => `${where}: ${what}: ${rule}`);
}

describe('a house in order', () => {
  test('has no violations', () => {
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
    expect(check(files)).toEqual([]);
  });
});

describe('the bench', () => {
  test('goes one way, and may use the helpers of the tests', () => {
    const files = {
      'bench/record/a.ts': 'export const a = 1;',
      'bench/lab/b.ts': "import { a } from '../record/a.js'; import '../../test/helpers/netns.js'; export const b = a;",
      'bench/main.ts': "import { b } from './lab/b.js'; b;",
    };
    expect(check(files)).toEqual([]);
    expect(check({ 'bench/page/c.ts': "import { b } from '../lab/b.js'; b;" })).toEqual([
      "bench/page/c.ts:1: imports '../lab/b.js': lab is not to the left of page in any road of the bench",
    ]);
    expect(check({ 'bench/attic/d.ts': '' })).toContainEqual(expect.stringContaining("room 'attic'"));
  });

  test('has no circles either', () => {
    const found = check({ 'bench/lab/a.ts': "import './b.js';", 'bench/lab/b.ts': "import './a.js';" });
    expect(found).toEqual(['bench/lab/a.ts: imports itself through lab/b.ts, lab/a.ts: no import cycles']);
  });
});

describe('imports', () => {
  test.each([
    ['from the right', 'errors.ts', "import './cli/main.js';", 'cli is not to the left of errors in any road'],
    ['across the roads', 'net/a.ts', "import '../mangler.js';", 'mangler is not to the left of net in any road'],
    ['of a re-export', 'net/a.ts', "export * from '../host/exec.js';", 'host is not to the left of net in any road'],
    ['made late', 'net/a.ts', "await import('../host/exec.js');", 'host is not to the left of net in any road'],
    [
      'of a type',
      'net/a.ts',
      "import type { E } from '../cli/a.js'; export type F = E;",
      'cli is not to the left of net',
    ],
    [
      'of values through a door for types',
      'report/a.ts',
      "import { e } from '../host/exec.js'; e();",
      'only types from host',
    ],
    ['of the public names', 'cli/a.ts', "import '../index.js';", 'nothing imports index.ts'],
    ['of the addon', 'mangler.ts', "import bindings from 'bindings'; bindings('x');", 'only src/native may import it'],
    ['of execa', 'cli/a.ts', "import { execa } from 'execa'; execa('x');", 'only src/host may import it'],
    ['of child processes', 'net/a.ts', "import 'node:child_process';", 'only src/host may import it'],
    ['into an unknown room', 'attic/a.ts', '', "room 'attic': every room has its place in a road"],
  ])('%s are found', (_, file, text, rule) => {
    const found = check({ [`src/${file}`]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`src/${file}:1`);
    expect(found[0]).toContain(rule);
  });

  test('in a circle are found once', () => {
    const found = check({
      'src/net/a.ts': "import './b.js';",
      'src/net/b.ts': "import './c.js';",
      'src/net/c.ts': "import './a.js';",
    });
    expect(found).toEqual(['src/net/a.ts: imports itself through net/b.ts, net/c.ts, net/a.ts: no import cycles']);
  });
});

describe('the machine', () => {
  test.each(["'/proc/net/route'", '`/proc/${1}/comm`', "'/sys/class/net'"])(
    'named by %s outside host is found',
    (text) => {
      expect(check({ 'src/commands/a.ts': `export const p = ${text};` })).toEqual([
        expect.stringContaining('only src/host reads /proc and /sys'),
      ]);
    },
  );

  test('may be spoken of in prose', () => {
    expect(check({ 'src/commands/a.ts': "export const hint = 'mount /proc first';" })).toEqual([]);
  });
});

describe('C', () => {
  test.each([
    ['a header of a later room', 'packet/ipv4.c', '#include "queue/worker.h"', 'queue is not to the left of packet'],
    ['a header across the ladders', 'probe/raw.c', '#include "queue/worker.h"', 'queue is not to the left of probe'],
    ['Node in C', 'queue/queue.c', '#include <node_api.h>', 'C knows no Node'],
    ['netlink in the boundary', 'node/mangler_wrap.cc', '#include <libmnl/libmnl.h>', 'the boundary knows no netlink'],
    ['an unknown room', 'attic/a.c', '', "room 'attic': every room has its place in a ladder"],
    ['a file in no room', 'attic.c', '', "room 'attic': every room has its place in a ladder"],
  ])('%s is found', (_, file, text, rule) => {
    expect(check({ [`csrc/${file}`]: `${text}\n` })).toEqual([expect.stringContaining(rule)]);
  });

  test('a circle of two files of one room is found once', () => {
    const files = { 'csrc/queue/a.c': '#include "b.h"\n', 'csrc/queue/a.h': '', 'csrc/queue/b.h': '#include "a.h"\n' };
    expect(check(files)).toEqual(['csrc/queue/a: includes itself through queue/b, queue/a: no include circles']);
  });
});

test('a file of 301 lines is found, one of 300 is not', () => {
  const found = check({ 'test/unit/a.ts': '\n'.repeat(301), 'test/unit/b.ts': '\n'.repeat(300) });
  expect(found).toEqual(['test/unit/a.ts: has 301 lines: no file is longer than 300 lines']);
});
