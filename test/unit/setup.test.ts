/** What `clear-df setup` asks, suggests and refuses, and the files that come of the answers. */
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/commands/options.js';
import { parseConfigText } from '../../src/commands/config-file.js';
import { filesOf } from '../../src/commands/setup/files.js';
import { type AnswerName, type Answers, otherEnd, QUESTIONS, type View } from '../../src/commands/setup/questions.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import type { Link } from '../../src/tunnel/facts.js';

function link(
  name: string,
  { addresses = [], ...rest }: Partial<Omit<Link, 'addresses'>> & { addresses?: string[] } = {},
): Link {
  return {
    ...{ name, mtu: 1500, up: true, data: {}, fallback: false },
    ...rest,
    addresses: addresses.map((prefix) => ({ family: 4, prefix, scope: 'global', dynamic: false })),
  };
}

const ROUTER: View = {
  links: [
    link('lo', { addresses: ['127.0.0.1/8'] }),
    link('gre0', { kind: 'gre', fallback: true }),
    link('docker0', { kind: 'bridge' }),
    link('lan1', { up: false }),
    // No file can name it.
    link('a#b', { up: false }),
    link('lan0', { addresses: ['10.0.0.1/24'] }),
    link('wan0', { addresses: ['192.0.2.1/24'] }),
  ],
  uplinks: ['wan0'],
  freeQueue: 3,
  systemd: true,
  pathTo: async () => ({ dev: 'wan0', source: '192.0.2.1' }),
};
const WITH_TUNNEL: View = {
  ...ROUTER,
  links: [...ROUTER.links, link('gretap9', { kind: 'gretap', master: 'docker0' })],
};

/** Each question that is asked, with what is suggested; those in `answers` are answered so, others as suggested. */
async function suggestions(view: View, given: Answers): Promise<Answers> {
  const answers: Answers = {};
  for (const { name, asked, suggested } of QUESTIONS) {
    if (!asked(answers, view)) continue;
    const answer = given[name] ?? (await suggested(view, answers));
    if (answer !== undefined) answers[name] = answer;
  }
  return answers;
}

describe('setup suggests', () => {
  it('a bridge, by the route to the other router, with a port towards hosts', async () => {
    expect(await suggestions(ROUTER, { remote: '198.51.100.1' })).toEqual({
      ...{ purpose: 'bridge', name: 'site-a', remote: '198.51.100.1', underlay: 'wan0', local: '192.0.2.1' },
      ...{ port: 'lan0', 'move-addresses': 'yes', carrier: 'plain', unit: 'yes' },
    });
  });

  it('nothing where only the person knows', async () => {
    const lonely: View = { ...ROUTER, links: [link('lo')], uplinks: [], systemd: false, pathTo: async () => undefined };
    expect(await suggestions(lonely, {})).toEqual({ purpose: 'bridge', name: 'site-a', carrier: 'plain' });
  });

  it('a device’s own address where the route leaves by another one', async () => {
    const answers = await suggestions(ROUTER, { remote: '198.51.100.1', underlay: 'lan0' });
    expect(answers.local).toBe('10.0.0.1');
  });

  it('the tunnel that is there, and the first free queue', async () => {
    expect(await suggestions(WITH_TUNNEL, {})).toEqual({ purpose: 'tunnel', 'out-dev': 'gretap9', queue: '3' });
  });

  it('the way from hosts to the uplink, for a path', async () => {
    expect(await suggestions(ROUTER, { purpose: 'path' })).toEqual({
      ...{ purpose: 'path', 'in-dev': 'lan0', 'out-dev': 'wan0', queue: '3' },
    });
  });
});

describe('setup refuses', () => {
  const before: Answers = { purpose: 'bridge', remote: '198.51.100.1', underlay: 'wan0', 'in-dev': 'lan0' };
  it.each<[AnswerName, string, RegExp]>([
    ['name', 'a b', /letters, digits/],
    ['name', 'clear-df', /letters, digits/],
    ['name', 'a23456789012345678901234567890x', /the other end's as well: a23456789012345678901234567890x-2$/],
    ['remote', '', /the IPv4 address of one host/],
    ['remote', 'router.example', /the IPv4 address of one host/],
    ['remote', '224.0.0.1', /multicast group/],
    ['remote', '127.0.0.1', /never leaves the machine/],
    ['remote', '2001:db8::1', /the outer header is IPv4/],
    ['local', '198.51.100.1', /another address than the other router’s/],
    ['local', '0177.0.0.1', /the IPv4 address of one host/],
    ['underlay', 'wan9', /a device of this machine: .*lan0, wan0$/],
    ['underlay', 'lo', /a device of this machine/],
    ['port', 'wan0', /another device than the one towards the other router/],
    ['port', 'lan0; reboot', /a device of this machine/],
    ['in-dev', '', /a device of this machine/],
    ['out-dev', 'lan0', /another device than the one that they come in by/],
    ['queue', '65536', /a number, 0-65535/],
    ['queue', '-1', /a number, 0-65535/],
    ['queue', '007', /a number, 0-65535/],
    ['port', 'a#b', /a device of this machine: .*lan0, wan0$/],
  ])('%s %j', (name, answer, words) => {
    const question = QUESTIONS.find((one) => one.name === name);
    expect(question?.refused(answer, ROUTER, before)).toMatch(words);
  });

  it('nothing that it suggests itself', async () => {
    for (const given of [{ remote: '198.51.100.1' }, { purpose: 'path' }, { purpose: 'tunnel' }]) {
      const answers: Answers = {};
      for (const { name, asked, suggested, words, refused } of QUESTIONS) {
        if (!asked(answers, WITH_TUNNEL)) continue;
        const value = (given as Answers)[name] ?? (await suggested(WITH_TUNNEL, answers)) ?? '';
        expect(
          words === undefined ? refused(value, WITH_TUNNEL, answers) : words.includes(value) ? undefined : value,
        ).toBeUndefined();
        answers[name] = value;
      }
    }
  });
});

describe('setup writes', () => {
  it.each(['plain', 'ike', 'keys'])('two site files that mirror each other, carrier %s', async (carrier) => {
    const answers = await suggestions(ROUTER, { remote: '198.51.100.1', carrier });
    const [here, there, ...more] = filesOf(answers).map(({ name, text }) => parseSite(text, name, '/etc/clear-df'));
    expect(more).toEqual([]);
    expect(here).toMatchObject({ name: 'site-a', local: '192.0.2.1', remote: '198.51.100.1', underlay: 'wan0' });
    expect(here?.bridge).toMatchObject({ ports: ['lan0'], moveAddresses: true });
    expect(there).toMatchObject({ name: 'site-b', local: '198.51.100.1', remote: '192.0.2.1' });
    // One secret for both ends, under one name.
    expect(there?.carrier).toEqual(here?.carrier);
    expect(here?.carrier.type).toBe(carrier === 'plain' ? 'plain' : 'esp');
  });

  it.each<[Answers, object]>([
    [{ purpose: 'path' }, { hook: 'prerouting', forwarded: true, inDev: 'lan0', outDev: 'wan0', largerThan: 'mtu' }],
    [{ purpose: 'tunnel' }, { hook: 'bridge', forwarded: false, outDev: 'gretap9' }],
  ])('the options of a run: %j', async (given, rule) => {
    const [file, ...more] = filesOf(await suggestions(WITH_TUNNEL, given));
    expect(more).toEqual([]);
    const options = readOptions(parseConfigText(file?.text ?? '', file?.name ?? ''));
    expect(options.queue).toEqual({ first: 3, last: 3 });
    expect(options.rules?.[0]).toMatchObject(rule);
  });

  it.each([
    ['site-a', 'site-b'],
    ['site-b', 'site-a'],
    ['hub', 'hub-2'],
  ])('%s for the other end as %s', (name, other) => {
    expect(otherEnd(name)).toBe(other);
  });
});
