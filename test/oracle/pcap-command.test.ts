/** `clear-df pcap` as a person or a script meets it: files, pipes, refusals, and what is left behind. */
import { existsSync, readdirSync } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAIN } from '../helpers/clear-df.js';
import { patient } from '../helpers/slowness.js';
import { Blocks, pcapFile } from '../unit/capture-files.js';

/** 20 bytes of IPv4 and 8 of payload: DF set, identification 0, protocol 253, checksum right. */
const PACKET = Buffer.from('4500001c0000400040fdb5e1c0000201c00002026162636465666768', 'hex');
const SHAPE = { bigEndian: false, nanoseconds: false, linkType: 101 };
const CAPTURE = pcapFile([{ bytes: PACKET }, { bytes: PACKET }], SHAPE);
const FLAGS = 24 + 16 + 6;

let folder: string;
const at = (name: string) => path.join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clear-df-pcap-'));
  await writeFile(at('in.pcap'), CAPTURE);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One run in the folder, whatever comes of it. */
async function pcap(args: readonly string[], options: { input?: Buffer; under?: readonly string[] } = {}) {
  const { input, under = [] } = options;
  const [file = process.execPath, ...rest] = [...under, process.execPath, MAIN, 'pcap', ...args];
  const source = input === undefined ? ({ stdin: 'ignore' } as const) : { input };
  const done = await execa(file, rest, {
    cwd: folder,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    ...source,
  });
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  return { ...done, said: text(done.stderr), printed: text(done.stdout) };
}

/** Everything in the folder but the input. */
const leftBehind = () => readdirSync(folder).filter((name) => name !== 'in.pcap');

describe('what it does', () => {
  it('clears, prints the counters, and leaves the input alone', async () => {
    const { exitCode, printed, said } = await pcap(['in.pcap', 'out.pcap']);
    expect({ exitCode, said }).toEqual({ exitCode: 0, said: '' });
    expect(printed).toBe(
      'frames (pcap)                  2\n  DF cleared                   2\n    identifications given out  2\n',
    );
    expect((await readFile(at('in.pcap'))).equals(CAPTURE)).toBe(true);
    const out = await readFile(at('out.pcap'));
    expect([out.readUInt8(FLAGS), out.length]).toEqual([0, CAPTURE.length]);
    expect(leftBehind()).toEqual(['out.pcap']);
  });

  it('prints JSON for scripts', async () => {
    const { printed } = await pcap(['in.pcap', 'out.pcap', '--json', '--identification', 'keep']);
    expect(JSON.parse(printed)).toMatchObject({
      input: 'in.pcap',
      output: 'out.pcap',
      format: 'pcap',
      identification: 'keep',
      frames: 2,
      notIp: 0,
      unknownLinkTypes: {},
      counters: { packets: 2, bytes: 56, cleared: 2, identifications: 2, alreadyClear: 0 },
    });
  });

  it('reads standard input, writes standard output, and then counts on standard error', async () => {
    const { exitCode, stdout, said } = await pcap(['-', '-'], { input: CAPTURE });
    expect(exitCode).toBe(0);
    expect([stdout.length, stdout[FLAGS]]).toEqual([CAPTURE.length, 0]);
    expect(said).toMatch(/^frames \(pcap\) +2\n {2}DF cleared +2\n/);
    expect(leftBehind()).toEqual([]);
  });

  it('writes to a device', async () => {
    expect((await pcap(['in.pcap', '/dev/null'])).exitCode).toBe(0);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('replaces a file that is there, through a symbolic link as well, and keeps its permissions', async () => {
    await mkdir(at('kept'));
    await writeFile(at('kept/out.pcap'), 'old');
    await chmod(at('kept/out.pcap'), 0o640);
    await symlink('kept/out.pcap', at('out.pcap'));
    expect((await pcap(['in.pcap', 'out.pcap'])).exitCode).toBe(0);
    expect((await readFile(at('kept/out.pcap'))).length).toBe(CAPTURE.length);
    expect((await stat(at('kept/out.pcap'))).mode & 0o777).toBe(0o640);
    expect(leftBehind().sort()).toEqual(['kept', 'out.pcap']);
  });

  it('copies link types that it does not know, and names them', async () => {
    const b = new Blocks(true);
    const frames = [
      b.enhanced(0, { bytes: PACKET }),
      b.enhanced(1, { bytes: PACKET }),
      b.enhanced(1, { bytes: PACKET }),
    ];
    const mixed = Buffer.concat([b.section(), b.interface(101), b.interface(105), ...frames]);
    const { printed, exitCode } = await pcap(['-', 'out.pcapng'], { input: mixed });
    expect(exitCode).toBe(0);
    expect(printed).toMatch(/^frames \(pcapng\) +3\n[^]* {2}not IP +2\n {4}link type 105, not known +2\n$/);
    const out = await readFile(at('out.pcapng'));
    const untouched = Buffer.concat(frames.slice(1));
    expect(out.subarray(-untouched.length).equals(untouched)).toBe(true);
    expect(out.equals(mixed)).toBe(false);
  });

  it('needs no capability and no kernel', async () => {
    const root = process.getuid?.() === 0;
    const under = root ? ['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'] : [];
    expect((await pcap(['in.pcap', 'out.pcap'], { under })).exitCode).toBe(0);
  });
});

describe('captures that are not whole', () => {
  it('keeps every whole packet of one that is cut short, says where, and ends with 1', async () => {
    await writeFile(at('cut.pcap'), CAPTURE.subarray(0, -5));
    const { exitCode, said, printed } = await pcap(['cut.pcap', 'out.pcap']);
    expect(exitCode).toBe(1);
    // 24 of file header, then 16 + 28 each: the second record starts at 68.
    expect(said).toMatch(/read cut\.pcap: it is cut short: of the 44 bytes from byte 68 on there are 39\nhint: /);
    expect(printed).toMatch(/^frames \(pcap\) +1\n/);
    expect((await readFile(at('out.pcap'))).length).toBe(68);
  });

  it.each([
    [
      'a record of 4 GB',
      Buffer.concat([CAPTURE, Buffer.alloc(16, 0xff)]),
      /read capture bad\.pcap at byte 112: .* 4294967295 captured bytes/,
    ],
    [
      'no capture',
      Buffer.from('hello, world'),
      /read capture bad\.pcap at byte 0: the magic 0x68656c6c is neither pcap nor pcapng/,
    ],
    ['nothing', Buffer.alloc(0), /read capture bad\.pcap at byte 0: the file is empty/],
  ])('leaves no output of %s, and what was there before', async (_name, bytes, message) => {
    await writeFile(at('bad.pcap'), bytes);
    await writeFile(at('old.pcap'), 'old');
    for (const out of ['out.pcap', 'old.pcap']) {
      const { exitCode, said, printed } = await pcap(['bad.pcap', out]);
      expect({ exitCode, printed }).toEqual({ exitCode: 1, printed: '' });
      expect(said).toMatch(message);
    }
    expect(leftBehind().sort()).toEqual(['bad.pcap', 'old.pcap']);
    expect(await readFile(at('old.pcap'), 'utf8')).toBe('old');
  });
});

describe('what it refuses', () => {
  it('writing onto its own input, by whatever name', async () => {
    await symlink('in.pcap', at('soft.pcap'));
    await link(at('in.pcap'), at('hard.pcap'));
    for (const out of ['in.pcap', './in.pcap', 'soft.pcap', 'hard.pcap']) {
      const { exitCode, said } = await pcap(['in.pcap', out]);
      expect(exitCode).toBe(2);
      expect(said).toContain(`read OUT: '${out}' is not accepted; expected another file than IN (in.pcap)`);
    }
    expect((await readFile(at('in.pcap'))).equals(CAPTURE)).toBe(true);
    expect(leftBehind().sort()).toEqual(['hard.pcap', 'soft.pcap']);
  });

  it('leaves a symbolic link alone that leads nowhere', async () => {
    await symlink('gone/out.pcap', at('out.pcap'));
    const { exitCode, said } = await pcap(['in.pcap', 'out.pcap']);
    expect({ exitCode, leads: await readlink(at('out.pcap')) }).toEqual({ exitCode: 2, leads: 'gone/out.pcap' });
    expect(said).toContain("OUT: 'out.pcap' is not accepted; expected a file, not a symbolic link that leads nowhere");
  });

  it.each([
    [['in.pcap'], 2, /argument 'OUT'/],
    [['in.pcap', 'out.pcap', 'more'], 2, /too many arguments/],
    [
      ['in.pcap', 'out.pcap', '--identification', 'zero'],
      2,
      /--identification: 'zero' .* expected random, keep or sequential/,
    ],
    [['.', 'out.pcap'], 2, /IN: '\.' .* not a folder/],
    [['in.pcap', '/'], 2, /OUT: '\/' .* not a folder/],
    [['missing.pcap', 'out.pcap'], 1, /open missing\.pcap: no such file or directory \(ENOENT\)/],
    [['in.pcap', 'missing/out.pcap'], 1, /create missing\/out\.pcap: no such file or directory \(ENOENT\)/],
    [['in.pcap', '/dev/full'], 1, /write \/dev\/full: no space left on device \(ENOSPC\)/],
  ])('%j', async (args, code, message) => {
    const { exitCode, said, printed } = await pcap(args);
    expect(said).toMatch(message);
    expect({ exitCode, printed }).toEqual({ exitCode: code, printed: '' });
    expect(leftBehind()).toEqual([]);
  });

  it.each([false, true])('leaves nothing behind when a signal ends it; swept away before: %j', async (swept) => {
    const running = execa(process.execPath, [MAIN, 'pcap', '-', 'out.pcap'], {
      cwd: folder,
      reject: false,
      stdin: 'pipe',
    });
    running.stdin.write(CAPTURE);
    // It waits for more input with its unfinished file open.
    await expect.poll(() => leftBehind(), { timeout: patient(20_000) }).toHaveLength(1);
    expect(existsSync(at('out.pcap'))).toBe(false);
    if (swept) await rm(at(leftBehind()[0] as string));
    running.kill('SIGTERM');
    expect(await running).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    expect(leftBehind()).toEqual([]);
  });
});
