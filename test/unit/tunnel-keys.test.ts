import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { readKeyFile } from '../../src/host/key-file.js';
import { type KeyedSite, newKeys, parseKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { type EspCipher } from '../../src/tunnel/site/site.js';
import { WRONG_KEY_FILES } from './tunnel-wrong-keys.js';

const FILE = '/etc/clear-df/site-a.keys';

function site(cipher: EspCipher, [local, remote] = ['192.168.200.1', '172.16.0.1']): KeyedSite {
  const ends = `local: ${local}\nremote: ${remote}\nunderlay: eth1\nbridge: { ports: [eth0] }\n`;
  return parseSite(
    `${ends}carrier: { type: esp, keys: k, cipher: ${cipher} }\n`,
    '/etc/clear-df/site-a.yaml',
  ) as KeyedSite;
}

function refusal(read: () => unknown): ClearDfError {
  try {
    read();
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Bytes that count upwards from `first`: no two of them alike. */
const hex = (length: number, first: number) =>
  `0x${Buffer.from(Array.from({ length }, (_, i) => (first + i) % 256)).toString('hex')}`;

const GCM = `192.168.200.1: { spi: 0x1001, key: ${hex(36, 1)} }\n172.16.0.1: { spi: 4098, key: ${hex(36, 101)} }\n`;

describe('a key file', () => {
  it('serves both ends: what leaves one arrives at the other', () => {
    const here = parseKeys(GCM, FILE, site('aes-gcm-256'));
    expect(here).toEqual({
      out: { spi: 0x1001, encryption: hex(36, 1) },
      in: { spi: 0x1002, encryption: hex(36, 101) },
    });
    const there = parseKeys(GCM, FILE, site('aes-gcm-256', ['172.16.0.1', '192.168.200.1']));
    expect(there).toEqual({ out: here.in, in: here.out });
  });

  // RFC 4106 §8.1: AES key and 4 bytes of salt; RFC 3602 and RFC 4868: AES key, and 32 bytes for HMAC-SHA-256.
  it.each<[EspCipher, number, number | undefined]>([
    ['aes-gcm-128', 20, undefined],
    ['aes-gcm-256', 36, undefined],
    ['aes-cbc-128-sha256', 16, 32],
    ['aes-cbc-256-sha256', 32, 32],
  ])('that is new has keys of the right length for %s, and no two alike', (cipher, encryption, authentication) => {
    const text = newKeys(site(cipher));
    const { out, in: inbound } = parseKeys(text, FILE, site(cipher));
    expect(out.encryption.length).toBe(2 + 2 * encryption);
    expect(out.authentication?.length).toBe(authentication && 2 + 2 * authentication);
    expect(newKeys(site(cipher))).not.toBe(text);
    const all = [out, inbound].flatMap((end) => [end.encryption, end.authentication ?? end.encryption]);
    expect(new Set(all).size).toBe(authentication === undefined ? 2 : 4);
  });

  it.each<[string, string, string, string]>([
    [
      'a short key',
      GCM.replace(hex(36, 1), hex(35, 1)),
      `${FILE}:1 192.168.200.1.key`,
      'it has 35 bytes; expected 0x and 72',
    ],
    ['half a byte', GCM.replace(hex(36, 101), `${hex(35, 101)}0`), `${FILE}:2 172.16.0.1.key`, 'it has 35.5 bytes'],
    ['text', GCM.replace(hex(36, 1), 'correct-horse'), `${FILE}:1 192.168.200.1.key`, 'not hexadecimal'],
    [
      'zeros',
      GCM.replace(hex(36, 1), `0x${'00'.repeat(36)}`),
      `${FILE}:1 192.168.200.1.key`,
      'all of its bytes are the same',
    ],
    ['a reserved SPI', GCM.replace('0x1001', '255'), `${FILE}:1 192.168.200.1.spi`, '255 is reserved (RFC 4303 §2.1)'],
    [
      'a key for an SPI',
      GCM.replace('0x1001', hex(36, 1)),
      `${FILE}:1 192.168.200.1.spi`,
      'expected a number from 256',
    ],
    ['no SPI', GCM.replace('spi: 0x1001, ', ''), `${FILE}:1 192.168.200.1.spi`, 'it is missing'],
    ['one SPI twice', GCM.replace('4098', '0x1001'), `${FILE}:2 172.16.0.1.spi`, 'both directions have SPI 4097'],
    ['one key twice', GCM.replace(hex(36, 101), hex(36, 1)), `${FILE}:2 172.16.0.1.key`, 'AES-GCM breaks'],
    ['a strange address', GCM.replace('172.16.0.1', '172.16.0.2'), `${FILE}:2 172.16.0.2`, "neither the site's"],
    [
      'one end only',
      GCM.split('\n')[0] ?? '',
      `${FILE}:1`,
      'no keys for packets from 172.16.0.1 (remote in /etc/clear-df/site-a.yaml:2)',
    ],
    [
      'a wrong cipher’s key',
      GCM.replace('key:', 'encryption-key:'),
      `${FILE}:1 192.168.200.1`,
      "unknown key 'encryption-key'; expected spi, key",
    ],
    ['a list', '- a\n', `${FILE}:1`, 'it is no map'],
    ['a key alone', `${hex(36, 1)}\n`, `${FILE}:1`, 'it is no map'],
    ['an alias', GCM.replace(hex(36, 1), '*a'), `${FILE}:1`, 'an alias (*) is used here'],
    ['a second document', `${GCM}---\n${GCM}`, `${FILE}:3`, 'a second YAML document'],
  ])('with %s is refused without repeating it', (_title, text, object, words) => {
    const error = refusal(() => parseKeys(text, FILE, site('aes-gcm-256')));
    expect(error).toMatchObject({ code: 'USAGE', object });
    expect(error.message).toContain(words);
    expect(`${error.message} ${error.hint}`).not.toMatch(/010203|656667|horse/);
  });

  it('never fails with anything but a USAGE error, and never repeats what may be a key', () => {
    const secret = hex(36, 1).slice(2);
    const piece = fc.constantFrom(...GCM.split(/(?<=[ \n:{}])/), secret, '"', '[', '- ', '&a ', '*a', '!!', '---\n');
    const text = fc.array(piece, { maxLength: 24 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (sample) => {
        try {
          parseKeys(sample, FILE, site('aes-gcm-256'));
        } catch (error) {
          expect(error).toBeInstanceOf(ClearDfError);
          expect(`${(error as Error).message} ${(error as ClearDfError).hint}`).not.toContain(secret.slice(0, 8));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('reading it', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'clear-df-keys-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const WHERE = '/etc/clear-df/site-a.yaml:9 carrier.keys';

  function write(name: string, mode: number): string {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, GCM);
    chmodSync(file, mode);
    return file;
  }

  it.each(WRONG_KEY_FILES)(
    'is refused by file, line and reason: $title',
    ({ text, line, key, words, code, keyFile }) => {
      const own = mkdtempSync(path.join(folder, 'site-'));
      const file = path.join(own, 'site.yaml');
      if (keyFile) writeFileSync(path.join(own, keyFile.name), keyFile.text, { mode: keyFile.mode });
      const { carrier, place } = parseSite(text, file);
      const keys = carrier.type === 'esp' ? carrier.keys : '';
      const error = refusal(() => readKeyFile(keys, `${place('carrier.keys')} carrier.keys`));
      expect(error).toMatchObject({ code, object: `${file}:${line} ${key} '${path.join(own, 'site.keys')}'` });
      for (const word of words) expect(error.message).toContain(word);
    },
  );

  it.each([0o600, 0o400, 0o700])('takes one of mode %o', (mode) => {
    expect(readKeyFile(write(`good-${mode}`, mode), WHERE)).toBe(GCM);
  });

  it.each([0o644, 0o640, 0o620, 0o602, 0o604, 0o666])('refuses one of mode %o', (mode) => {
    const file = write(`bad-${mode}`, mode);
    const error = refusal(() => readKeyFile(file, WHERE));
    expect(error).toMatchObject({ code: 'USAGE', object: `${WHERE} '${file}'` });
    expect(error.reason).toContain(`its mode is 0${mode.toString(8)}`);
  });

  it('follows a symbolic link, and judges where it leads', () => {
    const link = path.join(folder, 'link');
    symlinkSync(write('linked', 0o600), link);
    expect(readKeyFile(link, WHERE)).toBe(GCM);
    chmodSync(path.join(folder, 'linked'), 0o644);
    expect(refusal(() => readKeyFile(link, WHERE)).reason).toContain('its mode is 0644');
  });

  it('refuses one in a folder that anyone can write, also behind a link, unless it is sticky', () => {
    const file = write('open/keys', 0o600);
    const link = path.join(folder, 'link-into-open');
    symlinkSync(file, link);
    chmodSync(path.dirname(file), 0o777);
    for (const name of [file, link]) {
      expect(refusal(() => readKeyFile(name, WHERE))).toMatchObject({ hint: `chmod o-w ${path.dirname(file)}` });
    }
    chmodSync(path.dirname(file), 0o1777);
    expect(readKeyFile(file, WHERE)).toBe(GCM);
  });

  it('refuses a folder, a pipe and nothing at all', () => {
    mkdirSync(path.join(folder, 'folder'), { mode: 0o700 });
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    const reason = (name: string) => refusal(() => readKeyFile(path.join(folder, name), WHERE)).reason;
    expect(reason('folder')).toContain('it is a directory');
    expect(reason('pipe')).toContain('it is not a regular file');
    expect(reason('missing')).toContain('there is no such file');
  });
});
