import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { checkSite } from '../../src/tunnel/check.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { link, ROUTER, withLinks } from './tunnel-machine.js';
import { HEAD, UNFIT_SITES, WRONG_SITES } from './tunnel-wrong-sites.js';

const FILE = '/etc/clear-df/site-a.yaml';

function refusal(read: () => unknown): ClearDfError {
  try {
    read();
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a site file', () => {
  it('needs four keys; the others have defaults', () => {
    const { place, ...site } = parseSite(HEAD, FILE);
    expect(site).toEqual({
      file: FILE,
      name: 'site-a',
      local: '192.168.200.1',
      remote: '172.16.0.1',
      moreRemotes: [],
      pathMtu: undefined,
      underlay: 'eth1',
      mtu: 1500,
      bridge: { name: 'br0', ports: ['eth0'], moveAddresses: false },
      tunnel: { type: 'gretap', name: 'gretap1', key: undefined, pmtudisc: false, ttl: undefined, match: 'gre' },
      carrier: { type: 'plain' },
      engine: 'auto',
      fragment: 'outer',
      hook: 'auto',
      queues: { first: 0, last: 0 },
      fanout: 'hash',
      identification: 'random',
      metrics: '127.0.0.1:9857',
    });
    expect(['remote', 'bridge.ports.0', 'bridge.name', 'mtu', 'no.such.key'].map(place)).toEqual([
      `${FILE}:2`,
      `${FILE}:4`,
      `${FILE}:4`,
      FILE,
      FILE,
    ]);
  });

  it('is read with every key given', () => {
    const text = [
      ...['name: west', 'local: 10.0.0.1', 'remote: 10.0.1.1', 'underlay: wan0', 'mtu: 9000', 'bridge:', '  name: lan'],
      ...[
        '  ports: [eth0, eth0.7]',
        '  move-addresses: true',
        'tunnel: { name: t0, key: 0x7, pmtudisc: true, ttl: 64 }',
      ],
      ...['carrier:', '  type: esp', '  mode: tunnel', '  cipher: aes-cbc-128-sha256', '  keys: keys/west.yaml'],
      ...['  reqid: 9', 'engine: nfqueue', 'hook: br-netfilter', 'queue: 4:7', 'fanout: cpu'],
      ...['identification: keep', 'metrics: off'],
    ];
    expect(parseSite(text.join('\n'), FILE)).toMatchObject({
      name: 'west',
      mtu: 9000,
      bridge: { name: 'lan', ports: ['eth0', 'eth0.7'], moveAddresses: true },
      tunnel: { name: 't0', key: 7, pmtudisc: true, ttl: 64, match: 'gre' },
      carrier: {
        type: 'esp',
        mode: 'tunnel',
        cipher: 'aes-cbc-128-sha256',
        keys: '/etc/clear-df/keys/west.yaml',
        reqid: 9,
      },
      queues: { first: 4, last: 7 },
      fanout: 'cpu',
      metrics: 'off',
    });
  });

  it('of ESP in UDP has the port of RFC 3948 on both ends, unless it says otherwise', () => {
    const of = (more: string) =>
      parseSite(`${HEAD}carrier: { type: esp-in-udp, keys: external${more} }\n`, FILE).carrier;
    expect(of('')).toMatchObject({ mode: 'transport', port: 4500, remotePort: 4500, keepalive: 20, keys: 'external' });
    const more = ', port: 4501, remote-port: 6000, keepalive: 0, mode: tunnel';
    expect(of(more)).toMatchObject({ mode: 'tunnel', port: 4501, remotePort: 6000, keepalive: 0 });
  });

  it.each(['site-plain.yaml', 'site-esp.yaml', 'site-ike.yaml'])('of the examples is right: %s', (name) => {
    const file = path.join(import.meta.dirname, '../../examples', name);
    expect(() => checkSite(parseSite(readFileSync(file, 'utf8'), file), ROUTER)).not.toThrow();
  });

  it('whose own name cannot be an instance’s needs one', () => {
    const error = refusal(() => parseSite(HEAD, '/etc/clear-df/site a.yaml'));
    expect(error.message).toContain("site a.yaml:1 name: it is missing, and 'site a'");
    expect(parseSite(`name: a\n${HEAD}`, '/etc/clear-df/site a.yaml').name).toBe('a');
  });

  // 65535 - 20 - 14 - 4, less 4 with a key: what gretap devices take on kernels 5.10, 6.1 and 7.2, and no byte more.
  // ESP transport, GCM: 65535 - 20 - 8 - 8 - 16 = 65483 for payload, padding and 2; in words of 4: 65480, so 65478 of
  // payload, and 18 bytes less inside GRE and Ethernet.
  it.each([
    ['', 65_497],
    ['tunnel: { key: 0 }\n', 65_493],
    ['carrier: { type: esp, keys: external }\n', 65_460],
    // 8 less
    ['carrier: { type: esp-in-udp, keys: external }\n', 65_452],
  ])('%j takes an MTU of up to %i', (more, most) => {
    expect(parseSite(`${HEAD}${more}mtu: ${most}\n`, FILE).mtu).toBe(most);
    expect(refusal(() => parseSite(`${HEAD}${more}mtu: ${most + 1}\n`, FILE)).hint).toContain(`at most ${most}`);
  });

  it.each([
    ['name: a b\n', 'letters, digits'],
    ['metrics: localhost:9857\n', 'ADDR:PORT'],
    ['metrics: "[::1]:99999"\n', 'ADDR:PORT'],
    ['queue: 0:256\n', 'at most 256 queues'],
    ['tunnel: { ttl: 256 }\n', '1-255 or inherit'],
    ['carrier: { type: esp-in-udp, keys: a, port: 0 }\n', 'a UDP port, 1-65535'],
    ['carrier: { type: esp-in-udp, keys: a, remote-port: 65536 }\n', 'a UDP port, 1-65535'],
    ['carrier: { type: esp-in-udp, keys: a, keepalive: -1 }\n', 'seconds, 0-86400'],
    ['carrier: { type: esp-in-udp }\n', 'the path of a key file'],
    ['carrier: { type: esp, keys: a, port: 4500 }\n', 'unknown key'],
    ['tunnel: { key: 4294967296 }\n', '0-4294967295'],
    ['tunnel: { name: gretap0 }\n', 'the kernel makes it'],
    ['tunnel: { name: eth0 }\n', 'cannot be the tunnel'],
    ['tunnel: { name: "g%d" }\n', '%d'],
    ['tunnel: { name: all }\n', 'sysctls'],
    ['tunnel: { match: esp, pmtudisc: true }\ncarrier: { type: esp, mode: tunnel, keys: k }\n', 'xfrm refuses'],
    ['carrier: esp\n', 'carrier.keys: it is missing'],
    ['carrier: { type: esp, keys: external, reqid: 1 }\n', "the daemon's"],
    ['carrier: { type: esp, cipher: 3des, keys: k }\n', 'aes-gcm-128'],
    ['carrier: { type: plain, keys: k }\n', "unknown key 'keys'"],
    ['carrier: {}\n', 'carrier.type: it is missing'],
    ['carrier:\n', "'' is not accepted; expected plain or esp"],
    ['mtu: 1e3\n', "'1e3' is not accepted"],
    ['mtu: [1500]\n', 'a list is not accepted'],
    ['engine: nothing\n', 'auto, nfqueue, tunnel-flag, bpf or none'],
    ['engine: none\n', 'does not work with a tunnel of type gretap; expected auto, tunnel-flag, bpf or nfqueue'],
    ['mtu: &m 1500\n', 'an anchor'],
    ['mtu: !!int 1500\n', 'a YAML tag'],
    ['---\nmtu: 1500\n', 'a second YAML document'],
    ['? [a]\n: b\n', 'no plain word'],
    ['<<: { mtu: 1 }\n', 'unknown key'],
    ['__proto__: { mtu: 1 }\n', 'unknown key'],
  ])('%j is refused', (more, words) => {
    const error = refusal(() => parseSite(HEAD + more, FILE));
    expect(error.code).toBe('USAGE');
    expect(error.object).toMatch(/^\/etc\/clear-df\/site-a\.yaml:\d+/);
    expect(error.message).toContain(words);
  });

  it.each([
    'tunnel: { key: 0x00112233445566778899aabbccddeeff }',
    'carrier: { type: esp, keys: 0x00112233445566778899aabbccddeeff }',
  ])('a key on the wrong line is not repeated: %s', (line) => {
    const error = refusal(() => parseSite(`${HEAD}${line}\n`, FILE));
    expect(`${error.message} ${error.hint}`).not.toContain('0011');
  });

  it('no text makes it fail with anything but a USAGE error', () => {
    const piece = fc.constantFrom(
      ...HEAD.split(/(?<=[ \n])/),
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '!!',
      '"',
      ': ',
      'esp',
      '__proto__',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.array(piece, { maxLength: 24 }).map((parts) => parts.join('')),
      fc.array(piece, { maxLength: 8 }).map((parts) => HEAD + parts.join('')),
    );
    fc.assert(
      fc.property(text, (sample) => {
        try {
          checkSite(parseSite(sample, FILE), ROUTER);
        } catch (error) {
          expect(error).toBeInstanceOf(ClearDfError);
          expect((error as ClearDfError).object).toMatch(/^\/etc\/clear-df\/site-a\.yaml/);
        }
      }),
      { numRuns: 2000 },
    );
    expect(refusal(() => parseSite('['.repeat(100_000), FILE)).message).toContain('this line has 100000 characters');
    expect(refusal(() => parseSite('[\n'.repeat(500), FILE)).message).toContain('not sound YAML');
  });
});

describe('wrong sites', () => {
  it('are many, and each is refused for its own reason', () => {
    expect(WRONG_SITES.length).toBeGreaterThanOrEqual(15);
    expect(new Set(WRONG_SITES.map(({ title }) => title)).size).toBe(WRONG_SITES.length);
  });

  it.each([...WRONG_SITES, ...UNFIT_SITES])('$title', ({ text, facts = ROUTER, line, key, words, code }) => {
    const error = refusal(() => checkSite(parseSite(text, FILE), facts));
    expect(error).toMatchObject({ code, object: `${FILE}:${line}${key === '' ? '' : ` ${key}`}` });
    let rest = error.message;
    for (const word of words) {
      expect(rest).toContain(word);
      rest = rest.slice(rest.indexOf(word) + word.length);
    }
  });
});

describe('a right site', () => {
  const site = parseSite(HEAD, FILE);

  it('passes', () => {
    expect(() => checkSite(site, ROUTER)).not.toThrow();
  });

  it('passes once more when it is up', () => {
    const facts = withLinks(
      link('eth0', [], { master: 'br0' }),
      link('br0', ['10.32.0.1/16'], { kind: 'bridge' }),
      link('gretap1', [], { kind: 'gretap', master: 'br0', data: { local: '192.168.200.1', remote: '172.16.0.1' } }),
    );
    expect(() => checkSite(site, facts)).not.toThrow();
  });

  it('may have an IPv6 link-local address on its port, and a gretap with another key beside it', () => {
    const local = { family: 6 as const, prefix: 'fe80::1/64', scope: 'link', dynamic: false };
    const other = { local: '192.168.200.1', remote: '172.16.0.1', ikey: '0.0.1.0', okey: '0.0.1.0' };
    const facts = withLinks(
      link('eth0', [], { addresses: [local] }),
      link('tap9', [], { kind: 'gretap', data: other }),
    );
    expect(() => checkSite(site, facts)).not.toThrow();
    const same = parseSite(`${HEAD}tunnel: { key: 256 }\n`, FILE);
    expect(refusal(() => checkSite(same, facts)).object).toBe(`${FILE}:5 tunnel.key`);
  });
});
