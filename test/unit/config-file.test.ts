import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { TEXT_FILE_MAX } from '../../src/host/text-file.js';
import { parseConfigText, readConfigFile } from '../../src/commands/config-file.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { FILE_KEYS, OPTION_NAMES, optionInfo } from '../../src/commands/option-table.js';
import { readOptions } from '../../src/commands/options.js';

const FILE = '/etc/clear-df.yaml';

function refusal(read: () => unknown): ClearDfError {
  try {
    read();
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('what is read', () => {
  it('every key by its flag’s name, with line and column of its value', () => {
    const text = '# a comment\nqueue: 0:3\n\nfail-open: false\ninstall-rules: True\nlarger-than:   mtu # here too\n';
    expect(parseConfigText(text, FILE)).toEqual({
      queue: { text: '0:3', where: `${FILE}:2:8 queue` },
      'fail-open': { text: 'false', where: `${FILE}:4:12 fail-open` },
      'install-rules': { text: 'true', where: `${FILE}:5:16 install-rules` },
      'larger-than': { text: 'mtu', where: `${FILE}:6:16 larger-than` },
    });
  });

  it.each(['', '\n', '# nothing\n', '---\n', '{}\n', 'null\n'])('nothing from %j', (text) => {
    expect(parseConfigText(text, FILE)).toEqual({});
  });

  it('values as they are written: no octal, no base 60, no exponent, no YAML 1.1 words', () => {
    const text = 'queue: 0010\nqueue-length: 1e3\ngso: off\nstats: 0x10\nname: "no"\n';
    const texts = Object.values(parseConfigText(text, FILE)).map((given) => given.text);
    expect(texts).toEqual(['0010', '1e3', 'off', '0x10', 'no']);
  });

  it('a file with every key that its example can have', () => {
    const text = FILE_KEYS.map((key) => `${key}: x\n`).join('');
    expect(Object.keys(parseConfigText(text, FILE))).toEqual(OPTION_NAMES.filter((name) => name !== 'dry-run'));
    expect(optionInfo('dry-run').flagOnly).toBe(true);
  });
});

describe('what is refused, by line and column', () => {
  it.each([
    ['queue: 0\nidentifcation: keep\n', `${FILE}:2:1`, "unknown key 'identifcation'", "did you mean 'identification'?"],
    ['queue: 0\nin_dev: eth0\n', `${FILE}:2:1`, "unknown key 'in_dev'", "did you mean 'in-dev'?"],
    ['zzzz: 1\n', `${FILE}:1:1`, `expected one of ${FILE_KEYS.join(', ')}`, undefined],
    ['dry-run: true\n', `${FILE}:1:1`, "unknown key 'dry-run'", undefined],
    ['<<: {queue: 0}\n', `${FILE}:1:1`, "unknown key '<<'", undefined],
    ['? [queue]\n: 0\n', `${FILE}:1:3`, "unknown key 'a list'", undefined],
    ['queue: 0\nqueue: 1\n', `${FILE}:2:1`, 'given twice', undefined],
    ['queue: [0, 1]\n', `${FILE}:1:8 queue`, "'a list' is not accepted; expected N or N:M", undefined],
    ['queue:\n  first: 0\n', `${FILE}:2:3 queue`, "'a map' is not accepted", undefined],
    ['metrics:\nqueue: 0\n', `${FILE}:1:9 metrics`, "'' is not accepted; expected ADDR:PORT", undefined],
    ['queue: ~\n', `${FILE}:1:8 queue`, "'' is not accepted; expected N or N:M", undefined],
    ['queue: !!int 0\n', `${FILE}:1:14 queue`, 'without a YAML tag or anchor', undefined],
    ['queue: &a 0\n', `${FILE}:1:11 queue`, 'without a YAML tag or anchor', undefined],
    ['stats: &a 1\nqueue: *a\n', `${FILE}:1:11 stats`, 'without a YAML tag or anchor', undefined],
    ['queue: !secret 0\n', `${FILE}:1:8`, 'not sound YAML', undefined],
    [
      '- queue: 0\n',
      `${FILE}:1:1`,
      "'a list' is not accepted; expected options as KEY: VALUE",
      'for example: queue: 0',
    ],
    ['just words\n', `${FILE}:1:1`, 'expected options as KEY: VALUE', 'for example: queue: 0'],
    ['queue: 0\n---\nqueue: 1\n', `${FILE}:2:1`, 'a second YAML document', undefined],
    ['queue: 0\n  hook: output\n', `${FILE}:1:8`, 'not sound YAML', undefined],
    ['queue: "0\n', `${FILE}:2:1`, 'not sound YAML', undefined],
  ])('%j', (text, object, reason, hint) => {
    const error = refusal(() => parseConfigText(text, FILE));
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2, object });
    expect(error.message).toContain(reason);
    if (hint !== undefined) expect(error.hint).toBe(hint);
  });

  it('a value of the wrong form names its place and the accepted form, and itself only when it looks like a slip', () => {
    const refused = (text: string) => refusal(() => readOptions(parseConfigText(`queue: 0\n${text}\n`, FILE))).message;
    expect(refused('stats: 99999999')).toBe(
      `read ${FILE}:2:8 stats: '99999999' is not accepted; expected seconds, 0.1-86400`,
    );
    expect(refused('identification: randm')).toContain("'randm' is not accepted; expected ");
    for (const text of ['stats: hunter2', 'name: Hunter2!', 'install-rules: true\nhook: hunter2', 'hunter2: 1']) {
      expect(refused(text)).toMatch(
        /its value \(not repeated here\) is not accepted; expected |unknown key; expected /,
      );
      expect(refused(text).toLowerCase()).not.toContain('hunter2');
    }
    for (const text of ['queue: *hunter2', 'queue: !hunter2 0', 'queue: "\\hunter2"', 'queue: `hunter2', 'hunter2']) {
      expect(refusal(() => parseConfigText(text, FILE)).message).not.toContain('hunter2');
    }
  });

  it.each([
    ['70,000 keys', Array.from({ length: 70_000 }, (_, i) => `k${i}: 1\n`).join(''), 'than a person writes'],
    [
      'as many on one line',
      `{${Array.from({ length: 70_000 }, (_, i) => `k${i}: 1`).join(', ')}}`,
      'characters; expected',
    ],
    ['a line of 1 MiB', `name: ${'x'.repeat(1_048_570)}`, 'this line has 1048576 characters; expected at most 4096'],
    ['lists in lists', `queue:\n${`${'['.repeat(4000)}\n`.repeat(10)}`, 'than a person writes'],
    ['maps in maps', Array.from({ length: 1400 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''), 'than a person writes'],
  ])('%s, before they are parsed', (_, text, reason) => {
    const before = process.cpuUsage();
    expect(refusal(() => parseConfigText(text, FILE)).reason).toContain(reason);
    expect(refusal(() => parseSite(text, FILE)).reason).toContain(reason);
    // Processor time and not the clock's: other tests run beside this one.
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });

  it('a file that holds no options is not repeated', () => {
    const lines = refusal(() => parseConfigText('-----BEGIN KEY-----\nsecret\n-----END KEY-----\n', FILE));
    expect(lines.message).toContain("'a text without a key' is not accepted");
    const shadow = refusal(() => parseConfigText('root:secret:19000:0:99999:7:::\nbin:*:19000::::::\n', FILE));
    expect(shadow.message).toContain('unknown key; expected one of');
    for (const { message } of [lines, shadow]) expect(message).not.toContain('secret');
  });

  it('a billion laughs at once: aliases are not followed', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
    const error = refusal(() => parseConfigText(`a0: &a0 lol\n${lines.join('\n')}\n`, FILE));
    expect(error.code).toBe('USAGE');
  });

  it('no text makes it fail with anything but a USAGE error', () => {
    const piece = fc.constantFrom(
      'queue',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '!!',
      '"',
      "'",
      '|',
      '0',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.array(piece, { maxLength: 20 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (sample) => {
        try {
          for (const { where } of Object.values(parseConfigText(sample, FILE))) expect(where).toMatch(/:\d+:\d+ /);
        } catch (error) {
          expect(error).toBeInstanceOf(ClearDfError);
          expect((error as ClearDfError).object).toMatch(/^\/etc\/clear-df\.yaml:\d+:\d+/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'clear-df-config-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('a config file gives the options that it names', () => {
    const file = path.join(folder, 'good.yaml');
    writeFileSync(file, 'queue: 7\n');
    expect(readConfigFile(file)).toEqual({ queue: { text: '7', where: `${file}:1:8 queue` } });
  });

  it.each([
    ['missing.yaml', () => undefined, 'there is no such file'],
    ['folder', (file: string) => mkdirSync(file), 'it is a directory'],
    ['good.yaml/below', () => undefined, 'a part of the path is not a directory'],
    ['latin1.yaml', (file: string) => writeFileSync(file, Buffer.from([0x6e, 0xe9, 0x0a])), 'it is not UTF-8 text'],
    [
      'large.yaml',
      (file: string) => (writeFileSync(file, ''), truncateSync(file, TEXT_FILE_MAX + 1)),
      'it has 1048577',
    ],
  ])('%s is refused by name and reason', (name, make, reason) => {
    const file = path.join(folder, name);
    make(file);
    const error = refusal(() => readConfigFile(file));
    expect(error).toMatchObject({ code: 'USAGE', object: `--config '${file}'` });
    expect(error.reason).toContain(reason);
    expect(error.reason).toContain('expected a readable YAML file of at most 1 MiB');
  });

  it('is refused when it is no regular file, without waiting for a writer', () => {
    expect(refusal(() => readConfigFile('/dev/zero')).reason).toContain('it is not a regular file');
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(refusal(() => readConfigFile(pipe)).reason).toContain('it is not a regular file');
  });

  it('is read to the limit only, whatever size it claims to have', () => {
    // The kernel's symbols: several MiB in a regular file of 0 bytes.
    expect(refusal(() => readConfigFile('/proc/kallsyms')).reason).toContain('it has more than 1 MiB');
  });
});
