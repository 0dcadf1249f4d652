/** `clear-df net write` and `diff`, by the command line: files made once, kept, compared, or not written at all. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { netDiff, netShow, netWrite } from '../../src/commands/net.js';
import { main } from '../../src/cli/program.js';
import { KEYED, MESH, PAIR } from './net-samples.js';
import { WRONG_NETS } from './net-wrong.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-net-'));
  file = path.join(folder, 'office.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(text: string, more: { dryRun?: boolean } = {}): string {
  writeFileSync(file, text);
  return netWrite(file, { output: undefined, dryRun: more.dryRun === true });
}
const diff = (more: { output?: string; site?: string; against?: string } = {}) =>
  netDiff(file, { output: undefined, site: undefined, against: undefined, ...more });
const at = (...names: string[]) => path.join(folder, 'office', ...names);

/** Every file with its text, mode and time. */
function everything(): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const state = (name: string): string => {
    const { mode, mtimeMs } = statSync(path.join(folder, name));
    const text = statSync(path.join(folder, name)).isFile() ? readFileSync(path.join(folder, name), 'utf8') : '';
    return `${mode.toString(8)} ${mtimeMs} ${text}`;
  };
  return Object.fromEntries(names.filter((name) => name !== 'office.yaml').map((name) => [name, state(name)]));
}

describe('write', () => {
  it('makes a folder for each site, with keys that both ends of a tunnel share and only the owner can read', () => {
    const said = write(KEYED);
    expect(readdirSync(at()).sort()).toEqual(['east', 'main', 'north', 'south', 'west']);
    expect(readdirSync(at('north')).sort()).toEqual(['office-north.keys', 'office-north.yaml']);
    const keys = ['north', 'south', 'west', 'east'].map((site) => {
      const both = ['main', site].map((end) => at(end, `office-${site}.keys`));
      for (const each of both) expect(statSync(each).mode & 0o777).toBe(0o600);
      const [one, two] = both.map((each) => readFileSync(each, 'utf8'));
      expect(one).toBe(two);
      return one ?? '';
    });
    expect(new Set(keys).size).toBe(4);
    expect(statSync(at('north', 'office-north.yaml')).mode & 0o777).toBe(0o644);
    expect(said).toContain('16 written, 0 as before');
    for (const secret of keys.join('').match(/0x[\da-f]{16,}/g) ?? []) expect(said).not.toContain(secret);
    expect(said).toContain('root@north:/etc/clear-df/    clear-df tunnel up /etc/clear-df/office-north.yaml');
  });

  it('changes nothing the second time', () => {
    write(KEYED);
    const before = everything();
    expect(write(KEYED)).toBe('0 written, 16 as before\n');
    expect(everything()).toEqual(before);
  });

  it('touches only what a new site changes: its own files and the hub’s, or the others of a mesh', () => {
    const four = KEYED.replace(/ {2}east: .*\n/, '');
    write(four);
    const before = everything();
    expect(write(KEYED)).toContain('4 written, 12 as before');
    expect(everything()).toMatchObject(
      Object.fromEntries(Object.entries(before).filter(([name]) => statSync(path.join(folder, name)).isFile())),
    );
  });

  it('says which files are of no site any more, and leaves them', () => {
    write(MESH);
    const said = write(MESH.replace(/ {2}south: .*\n/, ''));
    expect(said).toContain(`left: ${at('south', 'office.yaml')} is of no site any more`);
    expect(existsSync(at('south', 'office.yaml'))).toBe(true);
    expect(diff()).toBe(`Of no site any more: ${at('south', 'office.yaml')}\n`);
  });

  it('takes the keys of the end that has them', () => {
    write(KEYED);
    const keys = readFileSync(at('main', 'office-north.keys'), 'utf8');
    rmSync(at('north'), { recursive: true });
    expect(write(KEYED)).toContain('2 written, 14 as before');
    expect(readFileSync(at('north', 'office-north.keys'), 'utf8')).toBe(keys);
  });

  it('makes a pre-shared key and cookies likewise, in the folder that is named', () => {
    const words = 'key-folder: secret\n';
    write(`${PAIR}${words}carrier: { type: esp, ike: { psk: auto } }\n`);
    expect(statSync(at('main', 'secret', 'office.psk')).mode & 0o777).toBe(0o600);
    expect(readFileSync(at('main', 'office.yaml'), 'utf8')).toContain('ike: { psk: secret/office.psk }');
    rmSync(at(), { recursive: true });
    write(`${PAIR}${words}tunnel: { type: l2tp, cookie: auto }\n`);
    expect(readFileSync(at('north', 'secret', 'office.cookies'), 'utf8')).toMatch(/'192\.0\.2\.1': 0x[\da-f]{16}\n/);
  });

  it('makes one pre-shared key for all sites of a mesh, and gives it to a site that comes later', () => {
    const sealed = MESH.replace('shape: mesh\n', 'shape: mesh\ncarrier: { type: esp, ike: { psk: auto } }\n');
    const sites = ['main', 'north', 'south'];
    write(sealed.replace(/ {2}south: .*\n/, ''));
    const first = readFileSync(at('main', 'office.psk'), 'utf8');
    write(sealed);
    expect(sites.map((site) => readFileSync(at(site, 'office.psk'), 'utf8'))).toEqual([first, first, first]);
    writeFileSync(at('south', 'office.psk'), 'of-somebody-else\n', { mode: 0o600 });
    expect(() => write(sealed)).toThrow('all ends need one');
  });

  it('prints under --dry-run, and writes nothing', () => {
    const said = write(KEYED, { dryRun: true });
    expect(existsSync(at())).toBe(false);
    expect(said).toContain(`new: ${at('north', 'office-north.yaml')}\n  # Site north of net office`);
    expect(said).toContain(`new: ${at('north', 'office-north.keys')} (0600, not shown)`);
    expect(said).toContain('16 would be written');
  });
});

describe('nothing is written', () => {
  const nothing = (text: string, ...words: string[]) => {
    const before = everything();
    for (const word of words) expect(() => write(text)).toThrow(word);
    expect(everything()).toEqual(before);
  };

  it.each(WRONG_NETS)('of a wrong net: $title', ({ text }) => nothing(text, 'office.yaml:'));

  it('over a file of somebody else', () => {
    mkdirSync(at('south'), { recursive: true });
    writeFileSync(at('south', 'office.yaml'), 'name: office\n');
    nothing(MESH, 'was not written by clear-df net write for net office', 'EEXIST');
    // Of another net, too.
    writeFileSync(at('south', 'office.yaml'), '# Site south of net home, written by clear-df net.\n');
    nothing(MESH, 'for net office');
    expect(diff({ site: 'south' })).toContain('-# Site south of net home');
  });

  it('where two ends have two keys', () => {
    write(KEYED);
    writeFileSync(
      at('north', 'office-north.keys'),
      readFileSync(at('main', 'office-north.keys'), 'utf8').replace(/\n$/, '\n\n'),
    );
    nothing(KEYED, 'it is not the same as', 'all ends need one');
  });

  it('where others can read a key, or it does not fit any more', () => {
    write(KEYED);
    nothing(KEYED.replace('keys: auto', 'cipher: aes-gcm-128, keys: auto'), 'it has 36 bytes', 'office-north.keys');
    chmodSync(at('main', 'office-north.keys'), 0o644);
    nothing(KEYED, 'its mode is 0644');
  });

  it('when the last file cannot be: what was written is put back', () => {
    // Put back is a file of another time.
    const texts = () => Object.values(everything()).map((state) => state.replace(/ [\d.]+ /, ' '));
    write(MESH.replace(/ {2}south: .*\n/, ''));
    // A folder where the last of three site files is made.
    mkdirSync(at('south', `.office.yaml.${process.pid}`, 'x'), { recursive: true });
    const before = texts();
    expect(() => write(MESH)).toThrow('write file');
    expect(texts()).toEqual(before);
    // A file where the last of five folders belongs.
    writeFileSync(at('east'), '');
    const later = texts();
    expect(() => write(KEYED)).toThrow(at('east', 'office-east.keys'));
    expect(texts()).toEqual(later);
  });
});

describe('diff', () => {
  it('is empty after a write, and unified before it', () => {
    write(MESH);
    expect(diff()).toBe('');
    writeFileSync(file, MESH.replace('shape', 'engine: bpf\nshape'));
    expect(diff({ site: 'north' })).toBe(
      [
        `--- ${at('north', 'office.yaml')}`,
        `+++ ${at('north', 'office.yaml')} (net)`,
        '@@ -1,8 +1,9 @@',
        ' # Site north of net office, written by clear-df net. Edit office.yaml, not this file.',
        ' # clear-df-site(5) has the keys.',
        ' name: office',
        ' local: 198.51.100.1',
        ' remotes: [192.0.2.1, 203.0.113.1]  # main, south',
        ' underlay: eth1',
        ' bridge: { ports: [eth0] }',
        ' tunnel: { type: vxlan }',
        '+engine: bpf',
        '',
      ].join('\n'),
    );
    expect(diff().match(/^\+engine: bpf$/gm)).toHaveLength(3);
  });

  it('compares a router’s folder with what its site should have', () => {
    write(KEYED);
    const router = path.join(folder, 'etc');
    mkdirSync(router);
    const compare = () => diff({ site: 'north', against: router });
    expect(compare()).toMatch(
      /^--- \/dev\/null\n[^]*\+name: office-north\n[^]*Missing: .*\/etc\/office-north\.keys \(secret\)\n$/,
    );
    for (const name of readdirSync(at('north'))) {
      writeFileSync(path.join(router, name), readFileSync(at('north', name)), { mode: 0o600 });
    }
    expect(compare()).toBe('');
    // Others' files are theirs.
    writeFileSync(path.join(router, 'mine.yaml'), 'name: mine\n');
    expect(compare()).toBe('');
    chmodSync(path.join(router, 'office-north.keys'), 0o640);
    expect(compare).toThrow('its mode is 0640');
  });

  it.each([
    [{ site: 'nort' }, 'main, north, south'],
    [{ against: '/etc' }, 'requires --site'],
    [{ site: 'north', against: '/nowhere' }, 'a folder that is there'],
    // Not 1, which would mean that something differs.
    [{ site: 'north', against: '/dev/null' }, 'read folder /dev/null: it is not a folder'],
    [{ output: '/dev/null' }, 'read folder /dev/null: it is not a folder'],
  ])('refuses %j', (flags, words) => {
    writeFileSync(file, MESH);
    expect(() => diff(flags)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(words) as string }),
    );
  });

  it('has the exit codes of diff(1)', async () => {
    const printed: unknown[] = [];
    const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(text) > 0);
    try {
      write(MESH);
      expect(await main(['net', 'diff', file])).toBe(0);
      rmSync(at('north'), { recursive: true });
      expect(await main(['net', 'diff', file])).toBe(1);
      expect(printed.join('')).toContain('+++ ');
    } finally {
      out.mockRestore();
      process.exitCode = 0;
    }
  });
});

describe('show', () => {
  it('prints JSON, a picture, and sizes for another MTU', () => {
    writeFileSync(file, MESH);
    const json = JSON.parse(netShow(file, { as: 'json', pathMtu: undefined })) as {
      paths: { sizes: { outer: number }[] }[];
    };
    expect(json.paths.map(({ sizes }) => sizes.map(({ outer }) => outer))).toEqual([
      [1550, 1550],
      [1550, 1550],
      [1550, 1550],
    ]);
    expect(netShow(file, { as: 'svg', pathMtu: undefined })).toMatch(/^<svg /);
    // 20 + 1376, and the rest of 1530 with 20.
    expect(netShow(file, { as: 'text', pathMtu: '1400' })).toContain('1396 + 174');
    expect(() => netShow(file, { as: 'text', pathMtu: '12' })).toThrow(
      "--path-mtu: '12' is not accepted; expected bytes, 576-65535",
    );
  });

  it('takes no notice of files and keys that are not there', () => {
    writeFileSync(file, `${PAIR}carrier: { type: esp, keys: /nowhere/a.keys }\n`);
    expect(netShow(file, { as: 'text', pathMtu: undefined })).toContain('1500 + 92');
  });
});
