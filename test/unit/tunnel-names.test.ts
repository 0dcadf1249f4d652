/** Site files that leave outer addresses to be looked up, with a stand-in for getent and ip. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { locateSite, readSite } from '../../src/host/tunnel/locate.js';
import { NameWatch } from '../../src/commands/tunnel/name-watch.js';
import { tunnelName } from '../../src/commands/tunnel.js';
import { ClearDfError } from '../../src/errors.js';
import type { Runner } from '../../src/host/exec.js';
import { silentLogger } from '../../src/log.js';
import { openEnds, withEnds } from '../../src/tunnel/site/open-ends.js';

const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REST = ['underlay: eth1', 'bridge: { ports: [eth0] }'];

function file(...lines: string[]): string {
  const name = path.join(folder, `names-${process.pid}.yaml`);
  writeFileSync(name, `${[...lines, ...REST].join('\n')}\n`);
  return name;
}

/** What getent prints for a name; `ip route get` says 10.0.0.1. */
function runner(names: Record<string, string[]>): { runner: Runner; asked: string[] } {
  const asked: string[] = [];
  const query: Runner['query'] = async (command, args) => {
    asked.push([command, ...args].join(' '));
    if (command === 'ip') return '[{"dst":"x","prefsrc":"10.0.0.1"}]';
    const found = names[`${args[0]} ${args[1]}`];
    if (found !== undefined) return found.map((address) => `${address}  STREAM x\n${address}  DGRAM\n`).join('');
    const cause = { exitCode: 2 };
    throw new ClearDfError({ code: 'RUNTIME', operation: 'run', object: 'getent', reason: 'exit code 2', cause });
  };
  const change = () => Promise.reject(new Error('nothing is changed'));
  return { runner: { dryRun: false, query, change, effect: change }, asked };
}

const log = { warn: () => undefined };

describe('what is open', () => {
  it.each<[string, string[]]>([
    ['remote: gw.example', ['remote gw.example']],
    ['remote: "gw.example" # there', ['remote gw.example']],
    ['{ local: auto, remote: gw }', ['local auto', 'remote gw']],
    ['remotes: [ 192.0.2.1, b.example, c.example ]', ['remotes.1 b.example', 'remotes.2 c.example']],
    ['remote: 192.0.2.1', []],
    ['remote: 2001:db8::a', []],
    ['remote: 192.0.2.256', []],
    ['local: gw.example', []],
    ['name: auto', []],
    ['remote: -gw', []],
    ['remote: "a b"', []],
    ['remote: { a: b }', []],
    ['[ remote ]', []],
    ['', []],
  ])('in %s', (text, found) => {
    expect(openEnds(text, 'x.yaml').map(({ key, value }) => `${key} ${value}`)).toEqual(found);
  });

  it('is replaced where it stands, and nothing else', () => {
    const text = 'local: auto # mine\nremotes: ["b.example", 192.0.2.1, c]\nname: b.example\n';
    const answers = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    expect(withEnds(text, openEnds(text, 'x.yaml'), () => answers.shift() ?? '')).toBe(
      'local: 10.0.0.3 # mine\nremotes: [10.0.0.2, 192.0.2.1, 10.0.0.1]\nname: b.example\n',
    );
  });
});

describe('a site', () => {
  it('has the addresses that are found, and the text of them for the journal', async () => {
    const { runner: asking, asked } = runner({ 'ahostsv4 gw.example': ['192.0.2.9', '192.0.2.8'] });
    const name = file('local: auto', 'remote: gw.example');
    const { site, text } = await locateSite(name, { runner: asking, log });
    expect(site).toMatchObject({
      local: '10.0.0.1',
      remote: '192.0.2.9',
      lookedUp: [
        { key: 'local', value: 'auto' },
        { key: 'remote', value: 'gw.example' },
      ],
    });
    expect(text.text).toMatch(/^local: 10\.0\.0\.1\nremote: 192\.0\.2\.9\n/);
    expect(asked).toEqual(['getent ahostsv4 gw.example', 'ip -j -4 route get 192.0.2.9']);
  });

  it('without open ends asks nobody', async () => {
    const { runner: asking, asked } = runner({});
    const { site } = await locateSite(file('local: 192.0.2.1', 'remote: 192.0.2.2'), { runner: asking, log });
    expect({ asked, lookedUp: site.lookedUp }).toEqual({ asked: [], lookedUp: undefined });
  });

  it('of type l2tp takes an IPv6 address where there is no other', async () => {
    const { runner: asking } = runner({ 'ahostsv6 six.example': ['2001:db8::9'] });
    const lines = ['local: auto', 'remote: six.example', 'tunnel: { type: l2tp }'];
    await expect(locateSite(file(...lines), { runner: asking, log })).rejects.toThrow(/10\.0\.0\.1.*of two families/);
    const fixed = ['local: 2001:db8::1', ...lines.slice(1)];
    expect((await locateSite(file(...fixed), { runner: asking, log })).site.remote).toBe('2001:db8::9');
  });

  it('whose name is not known is refused, with the place', async () => {
    const { runner: asking } = runner({});
    const name = file('local: 192.0.2.1', 'remote: gw.example');
    await expect(locateSite(name, { runner: asking, log })).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: expect.stringMatching(
        /^look up remote gw\.example \(\S+:2\): no address .* no such name, or no answer from DNS$/,
      ) as string,
      hint: 'getent ahostsv4 gw.example shows what this machine finds',
    });
    expect(tunnelName(name)).toBe(path.basename(name, '.yaml'));
  });

  it('is read for what does not depend on them without looking anything up', () => {
    const name = file('local: auto', 'remote: gw.example', 'tunnel: { type: l2tp }');
    expect(readSite(name)).toMatchObject({ local: '198.18.0.1', remote: '198.18.0.2', tunnel: { type: 'l2tp' } });
  });

  it('with cookies, which are for addresses, is refused', async () => {
    const tunnel = 'tunnel: { type: l2tp, cookie: c }';
    const name = file('local: 192.0.2.1', 'remote: gw.example', tunnel);
    await expect(locateSite(name, { runner: runner({}).runner, log })).rejects.toThrow(
      /:2 remote: gw\.example is to be looked up, and a file of cookies has them by address/,
    );
  });

  it('with a carrier that is made for addresses is refused', async () => {
    const carrier = 'carrier: { type: esp, mode: transport, cipher: aes-gcm-128, keys: k }';
    const name = file('local: 192.0.2.1', 'remote: gw.example', carrier);
    await expect(locateSite(name, { runner: runner({}).runner, log })).rejects.toThrow(
      /gw\.example is to be looked up, and carrier esp is made for addresses/,
    );
  });
});

describe('a running tunnel', () => {
  /** A look after what getent answers, and perhaps the file, has changed: what was said, and what was run. */
  async function lookAfter(change: (answers: string[]) => void): Promise<{ said: string[]; run: string[] }> {
    const answers = ['192.0.2.9'];
    const { runner: asking } = runner({ 'ahostsv4 gw.example': answers });
    const name = file('local: 192.0.2.1', 'remote: gw.example');
    const read = await locateSite(name, { runner: asking, log });
    change(answers);
    const [said, run]: [string[], string[]] = [[], []];
    const say = (...words: unknown[]) => void said.push(String(words.at(-1)));
    const following: Runner = {
      ...asking,
      change: async (command, args) => {
        run.push([command, ...args].join(' '));
        return '';
      },
    };
    const watch = new NameWatch(name, read, {
      ...{ runner: following, log: { ...silentLogger(), info: say, warn: say } },
      own: { node: undefined, script: '/usr/bin/clear-df' },
    });
    watch.stop();
    await watch.look();
    return { said, run };
  }

  it('follows a name', async () => {
    const { said, run } = await lookAfter((answers) => answers.splice(0, 1, '192.0.2.7'));
    expect(run).toEqual([expect.stringMatching(/^\/usr\/bin\/clear-df tunnel up --setup-only \/.*\.yaml$/)]);
    expect(said[0]).toMatch(/^remote gw\.example: .* remote 192\.0\.2\.7 now; the tunnel follows$/);
  });

  it('does nothing while the name stays', async () => {
    expect(await lookAfter(() => undefined)).toEqual({ said: [], run: [] });
  });

  it('leaves a file alone that was edited since it was read', async () => {
    const { said, run } = await lookAfter((answers) => {
      answers.splice(0, 1, '192.0.2.7');
      file('local: 192.0.2.1', 'remote: gw.example', 'mtu: 1400');
    });
    expect(run).toEqual([]);
    expect(said).toEqual([expect.stringContaining('has been edited')]);
  });
});
