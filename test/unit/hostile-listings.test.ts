/**
 * What programs and the kernel print, cut anywhere and with foreign text in it: doctor and trace answer all the same, the
 * readers of facts refuse by name or leave out, and nothing cut short is taken for a whole listing.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/doctor/examine.js';
import { feedsOf } from '../../src/doctor/feed.js';
import { nftListing } from '../../src/doctor/nft-listing.js';
import { ClearDfError } from '../../src/errors.js';
import { parseCounters } from '../../src/host/read/counters.js';
import { parseVlans } from '../../src/host/read/vlans.js';
import { parseAssociations, parseConnections, parseMessages } from '../../src/host/read/ike.js';
import { parseLinks } from '../../src/host/read/links.js';
import { parseRoutes, parseRules, parseTableRoutes } from '../../src/host/read/routes.js';
import { parsePolicies, parseStates } from '../../src/host/read/xfrm.js';
import { LegacyVisits } from '../../src/trace/legacy-visits.js';
import { parseNflog, readIpv4 } from '../../src/trace/nflog.js';
import { NftVisits } from '../../src/trace/nft-visits.js';
import { packetPathsOf } from '../../src/trace/packet-paths.js';
import { PcapStream } from '../../src/trace/pcap-stream.js';
import { Rulebook } from '../../src/trace/rulebook.js';
import { BRIDGE } from './doctor/bridge.js';
import { machine } from './doctor/machine.js';
import { PATH } from './doctor/path.js';
import { QUEUE } from './doctor/queue.js';
import { TUNNEL } from './doctor/tunnel.js';
import { LIST_CONNS } from './ike-samples.js';
import { FLOW, rulebook } from './trace/captured.js';

const captured = (name: string) => readFileSync(path.join(import.meta.dirname, 'trace/captured', name));

/** A text with a piece taken out, and something else in its place; cut short where nothing is. */
const harmed = (sound: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      sound,
      fc.nat(),
      fc.nat(200),
      fc.oneof(fc.string(), fc.constantFrom('{', '"', '\n', '\0', '[]', 'null', '-A ')),
    )
    .map(([text, at, length, foreign]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + foreign + text.slice(start + length);
    });

/** As `harmed`, for bytes. */
const harmedBytes = (sound: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc.tuple(sound, fc.nat(), fc.nat(64), fc.uint8Array({ maxLength: 40 })).map(([bytes, at, length, foreign]) => {
    const start = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, start), foreign, bytes.subarray(start + length)]);
  });

/** The values, or a refusal in clear-df's own words. */
function values(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(ClearDfError);
    expect((error as ClearDfError).code).toBe('ENVIRONMENT');
  }
}

const RULESET = JSON.stringify({
  nftables: [
    { metainfo: { version: '1.0.6', json_schema_version: 1 } },
    {
      chain: {
        family: 'ip',
        table: 't',
        name: 'c',
        handle: 1,
        type: 'filter',
        hook: 'output',
        prio: 0,
        policy: 'drop',
      },
    },
    { rule: { family: 'ip', table: 't', chain: 'c', handle: 4, expr: [{ queue: { num: { range: [0, 3] } } }] } },
    { flowtable: { family: 'ip', name: 'f', table: 't', handle: 2, hook: 'ingress', prio: 0, dev: ['eth0', 'eth1'] } },
  ],
});

describe('the doctor', () => {
  const machines = [...BRIDGE, ...PATH, ...QUEUE, ...TUNNEL].map(([, change]) => machine(change));

  it('takes a ruleset of nft that is cut anywhere for unknown, never for an empty one', () => {
    for (let end = 0; end < RULESET.length; end += 1) {
      const reading = nftListing(machine({ nftJson: { known: RULESET.slice(0, end) } }));
      expect(reading, `cut behind ${end}`).toHaveProperty('unknown');
    }
    expect(nftListing(machine({ nftJson: { known: RULESET } }))).toHaveProperty('known.rules.length', 1);
  });

  it.each(['0:30000000000', '7:3', '-1', '5:x', '65536'])(
    'says of a rule for queue %s that it is not known',
    (range) => {
      const save = `*mangle\n-A OUTPUT -p gre -j NFQUEUE --queue-balance ${range}\nCOMMIT\n`;
      const num = { range: range.split(':').map(Number) };
      const json = RULESET.replace('{"range":[0,3]}', JSON.stringify(range.includes(':') ? num : Number(range)));
      for (const change of [
        { saves: new Map([['iptables-legacy', { known: save }] as const]) },
        { nftJson: { known: json } },
      ]) {
        const { feeds, unread } = feedsOf({ ...machine(), ...change });
        expect(feeds).toEqual([]);
        expect(unread).toMatchObject([{ unknown: expect.stringContaining('not parsed here') as unknown }]);
      }
    },
  );

  it('has its findings whatever the rulesets look like', () => {
    const one = fc.constantFrom(...machines).chain((sound) => {
      const text = (reading: typeof sound.nftJson) => ('known' in reading ? reading.known : '');
      const saves = fc.tuple(
        ...[...sound.saves].map(([name, save]) =>
          harmed(fc.constant(text(save))).map((known) => [name, { known }] as const),
        ),
      );
      return fc
        .tuple(harmed(fc.constantFrom(text(sound.nftJson), RULESET)), harmed(fc.constant(text(sound.nftText))), saves)
        .map(([json, plain, saved]) => ({
          ...sound,
          ...{ nftJson: { known: json }, nftText: { known: plain }, saves: new Map(saved) },
        }));
    });
    fc.assert(
      fc.property(one, (harm) => {
        expect(examine(harm).length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads counters and VLANs that are cut or foreign', () => {
    const counters = '#kernel\nIpReasmFails                    3                  0.0\nIpFragCreates  12  0.0\n';
    const vlans = '[{"ifname":"eth0","vlans":[{"vlan":1,"flags":["PVID"]},{"vlan":10,"vlanEnd":20}]}]';
    fc.assert(
      fc.property(harmed(fc.constant(counters)), harmed(fc.constant(vlans)), (count, vlan) => {
        for (const number of parseCounters(count).values()) expect(Number.isFinite(number)).toBe(true);
        values(() => parseVlans(vlan));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the readers of facts', () => {
  const STATE =
    'src 192.0.2.1 dst 198.51.100.1\n\tproto esp spi 0x00000100 reqid 1 mode transport\n\treplay-window 32 \n' +
    '\taead rfc4106(gcm(aes)) 0x0102 128\n\tencap type espinudp sport 4500 dport 4500 addr 0.0.0.0\n';
  const POLICY =
    'src 0.0.0.0/0 dst 0.0.0.0/0 proto gre \n\tdir out priority 0 \n\ttmpl src 192.0.2.1 dst 198.51.100.1\n\t\tproto esp reqid 1 mode transport\n';
  const LINKS =
    '[{"ifname":"gretap1","mtu":1500,"flags":["UP"],"linkinfo":{"info_kind":"gretap","info_data":{"ttl":0}},"addr_info":[]}]';
  const ROUTES =
    'default via 192.0.2.254 dev eth1 proto static \n10.0.0.0/8 dev eth0 scope link mtu 1300 \nblackhole 10.9.0.0/16 \n';
  const RULES =
    '0:\tfrom all lookup local\n100:\tnot from all fwmark 0x66/0x66 lookup 50\n32766:\tfrom all lookup main\n';
  const readers: [string, string, (text: string) => unknown][] = [
    ['ip -j link', LINKS, (text) => parseLinks(text).links],
    ['ip -o route', ROUTES, parseRoutes],
    ['ip -o route of a table', ROUTES, (text) => parseTableRoutes(text, 4)],
    ['ip rule', RULES, (text) => parseRules(text, 4)],
    ['ip xfrm state', STATE, parseStates],
    ['ip xfrm policy', POLICY, parsePolicies],
    ['swanctl --list-conns', LIST_CONNS, parseConnections],
    ['swanctl --list-sas', LIST_CONNS, parseAssociations],
    ['messages of vici', LIST_CONNS, parseMessages],
  ];

  it.each(readers)('%s: anything is read or refused', (_, sound, parse) => {
    values(() => parse(sound));
    fc.assert(
      fc.property(fc.oneof(harmed(fc.constant(sound)), fc.string(), fc.json()), (text) => values(() => parse(text))),
      { numRuns: 2000 },
    );
  });

  it('ip -j link: cut short it is refused', () => {
    for (let end = 1; end < LINKS.length; end += 1) expect(() => parseLinks(LINKS.slice(0, end))).toThrow(ClearDfError);
  });
});

describe('trace', () => {
  it('follows packets through lines of nft that are cut or foreign', () => {
    const lines = fc
      .constantFrom('nft-5.10.txt', 'nft-6.1-rejected.txt', 'nft-7.2.txt')
      .map((name) => String(captured(name)));
    fc.assert(
      fc.property(harmed(lines), (text) => {
        const visits = new NftVisits(rulebook(), 'clear-df-trace-1-2');
        for (const line of text.split('\n')) visits.push(line);
        packetPathsOf(FLOW, visits.visits, []);
      }),
      { numRuns: 300 },
    );
  });

  it('follows packets through messages of NFLOG that are cut or foreign', () => {
    const sound = fc
      .constantFrom('nflog-5.10.b64', 'nflog-7.2.b64')
      .map((name) => Buffer.from(String(captured(name)), 'base64'));
    fc.assert(
      fc.property(harmedBytes(sound), (bytes) => {
        const visits = new LegacyVisits(rulebook(), (device) => `device${device}`);
        const stream = new PcapStream();
        let packets: readonly Buffer[] = [];
        // That the capture itself is broken, it says.
        values(() => (packets = stream.push(bytes)));
        for (const packet of packets) {
          const event = parseNflog(packet);
          if (event !== undefined) visits.push(event);
        }
        packetPathsOf(FLOW, [], visits.visits);
      }),
      { numRuns: 300 },
    );
  });

  it('reads any bytes as a header or as none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        readIpv4(Buffer.from(bytes));
        parseNflog(Buffer.concat([Buffer.from([2, 0, 0, 0]), bytes]));
      }),
      { numRuns: 5000 },
    );
  });

  it('has a rulebook of rulesets that are cut or foreign', () => {
    const save = '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j NFQUEUE --queue-num 0\nCOMMIT\n';
    fc.assert(
      fc.property(harmed(fc.constant(RULESET)), harmed(fc.constant(save)), (nftJson, text) => {
        values(() => new Rulebook({ nftJson, nftSave: text, legacySave: text }));
      }),
      { numRuns: 1000 },
    );
  });
});
