/** IKE: what charon says, what becomes of it for people, and the item of the plan. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseAssociations, parseConnections, parseMessages } from '../../src/host/read/ike.js';
import type { Facts, IkeFacts } from '../../src/tunnel/facts.js';
import { ikeItems } from '../../src/tunnel/carriers/ike/items.js';
import { judgeIke } from '../../src/tunnel/carriers/ike/judge.js';
import { differenceOf } from '../../src/host/tunnel/former.js';
import type { Entry } from '../../src/host/tunnel/journal.js';
import type { Item } from '../../src/tunnel/item.js';
import type { IkeSite } from '../../src/tunnel/carriers/ike/names.js';
import { whyNot } from '../../src/tunnel/carriers/ike/reason.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { commandText } from '../../src/tunnel/plan-text.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { unitText } from '../../src/tunnel/unit-text.js';
import {
  VXLAN,
  CERTIFICATE,
  COUNTERS,
  ikeFacts,
  ikeSite,
  LIST_CONNS,
  LIST_SAS,
  NO_PROPOSAL,
  NO_SAS,
  PSK,
  SECRET,
  WRONG_SECRET,
} from './ike-samples.js';
import { espCarrier, facts as machine } from './tunnel-samples.js';

describe('what charon says', () => {
  it('is read from what it printed', () => {
    expect(parseConnections(LIST_CONNS)).toEqual(['clear-df-site-a']);
    expect(parseAssociations(LIST_SAS)).toEqual([
      {
        connection: 'clear-df-site-a',
        ...{ state: 'ESTABLISHED', established: 27 },
        children: [{ state: 'INSTALLED', mode: 'TRANSPORT', installed: 3 }],
      },
    ]);
    expect(parseAssociations(NO_SAS)).toEqual([]);
    expect(parseMessages(COUNTERS).get('ike-auth-in-resp')).toBe(2);
  });

  it.each([
    [NO_PROPOSAL, /^172\.16\.0\.1 has no connection for us, or another cipher: NO_PROPOSAL_CHOSEN$/, false],
    [WRONG_SECRET, /^172\.16\.0\.1 refuses us: AUTHENTICATION_FAILED$/, true],
    ["initiate failed: CHILD_SA 'x' not established after 5000ms", /^no answer from 172\.16\.0\.1$/, false],
    ['[IKE] received TS_UNACCEPTABLE notify, no CHILD_SA built', /TS_UNACCEPTABLE/, false],
    ['initiate failed: something new', /^initiate failed: something new$/, false],
    ['', /does not say why/, false],
  ])('is put into words (%#)', (said, words, final) => {
    const why = whyNot(ikeSite(PSK), said);
    expect(why.words).toMatch(words);
    expect(why.final).toBe(final);
    expect(why.hint).not.toBe('');
  });

  it('decides how the keys stand, without an attempt', () => {
    const connections = ['clear-df-site-a'];
    const judge = (parts: Partial<IkeFacts>, last?: Parameters<typeof judgeIke>[2]) =>
      judgeIke(ikeSite(PSK), ikeFacts(parts), last, 60_000);
    expect(judge({ connections, associations: parseAssociations(LIST_SAS) })).toEqual({
      ok: true,
      words: 'established with 172.16.0.1 27 s ago; keys of ESP (transport mode) made 3 s ago',
    });
    expect(judge({ silent: { reason: 'charon does not answer', hint: 'start it' } })).toMatchObject({
      ...{ ok: false, words: 'charon does not answer', hint: 'start it' },
    });
    expect(judge({})).toMatchObject({ ok: false, words: 'charon does not have the connection clear-df-site-a' });
    expect(judge({ connections }).words).toContain('nothing was tried yet');
    const last = { at: 48_000, words: '172.16.0.1 refuses us: AUTHENTICATION_FAILED', hint: 'compare' };
    expect(judge({ connections }, last).words).toBe('no keys: 172.16.0.1 refuses us: AUTHENTICATION_FAILED (12 s ago)');
    const counted = judge({ connections, messages: new Map([['clear-df-site-a', parseMessages(COUNTERS)]]) });
    expect(counted.words).toBe(
      "no keys: according to charon's counters, 172.16.0.1 refuses us: AUTHENTICATION_FAILED (3 attempts since charon started)",
    );
    const silent = judge({ connections, messages: new Map([['clear-df-site-a', new Map([['ike-init-out-req', 4]])]]) });
    expect(silent.words).toContain('no answer from 172.16.0.1');
  });

  it('of several other ends is that of each, and right when all are', () => {
    const mesh: IkeSite = { ...ikeSite(PSK), tunnel: VXLAN, moreRemotes: ['172.16.0.9'] };
    const names = ['clear-df-site-a-172-16-0-1', 'clear-df-site-a-172-16-0-9'];
    const [association] = parseAssociations(LIST_SAS);
    const associations = names.map((connection) => ({ ...association!, connection }));
    const judge = (parts: Partial<IkeFacts>) =>
      judgeIke(mesh, ikeFacts({ connections: names, ...parts }), undefined, 60_000);
    expect(judge({ associations })).toMatchObject({ ok: true, hint: undefined });
    const messages = new Map([[names[1]!, new Map([['ike-init-out-req', 4]])]]);
    expect(judge({ associations: associations.slice(0, 1), messages })).toEqual({
      ok: false,
      words:
        '172.16.0.1: established with 172.16.0.1 27 s ago; keys of ESP (transport mode) made 3 s ago; ' +
        "172.16.0.9: no keys: according to charon's counters, no answer from 172.16.0.9 (4 attempts since charon started)",
      hint: expect.stringContaining('--child clear-df-site-a-172-16-0-9 ') as unknown,
    });
  });
});

describe('the item', () => {
  const [item] = ikeItems(espCarrier({ keys: 'ike', ike: PSK }), ikeSite(PSK), SECRET, { mode: 'transport' });
  const file = '/etc/swanctl/conf.d/clear-df-site-a.conf';
  const at = (ike: IkeFacts | undefined): Facts => machine({ ike });

  it('stays when the file is edited: what charon knows now says nothing of before', () => {
    const there = at(ikeFacts({ connections: ['clear-df-site-a'] }));
    const same: Item = { ...item!, status: () => ({ state: 'in-sync' }) };
    const { key, kind, desired } = same;
    const entry: Entry = { key, kind, desired, state: 'applied', observed: '', undo: same.undo(there) };
    const compared = { journal: { entries: [entry] }, facts: there, origin: there, former: { items: [same] } };
    expect(differenceOf([same], compared).unwanted).toEqual([]);
    expect(differenceOf([], compared).unwanted).toEqual([entry]);
  });

  it('never shows the secret, and its undo does not hold it', () => {
    const commands = item?.apply(at(undefined)) ?? [];
    expect(commands.map(({ argv }) => argv.join(' '))).toEqual([
      `install -m 0600 /dev/stdin ${file}`,
      'swanctl --load-all --noprompt',
    ]);
    expect(commands[0]?.input).toContain(SECRET);
    const shown = commands.map(commandText).join('\n');
    expect(shown).toContain('secret = 0x<the-pre-shared-key-as-hexadecimal-digits>');
    expect(`${shown}${JSON.stringify(item?.undo(at(undefined)))}`).not.toContain(SECRET);
  });

  it('is in sync when the file is ours to the byte and charon has loaded it', () => {
    const text = item?.apply(at(ikeFacts()))[0]?.input ?? '';
    const digest = createHash('sha256').update(text).digest('hex');
    const files = new Map([[file, { digest, ours: true }]]);
    const status = (ike: IkeFacts) => item?.status(at(ike));
    const connections = ['clear-df-site-a'];
    expect(status(ikeFacts({ files, connections }))).toEqual({ state: 'in-sync' });
    // It outlives a boot, and then nobody would take it away.
    expect(status(ikeFacts({ files, connections, boot: 'next' }))).toMatchObject({ state: 'differs' });
    expect(status(ikeFacts({ files }))).toEqual({ state: 'differs', observed: 'charon has not loaded it' });
    expect(status(ikeFacts())).toEqual({ state: 'differs', observed: `${file} is not there` });
    const other = (ours: boolean) => ikeFacts({ files: new Map([[file, { digest: 'x', ours }]]) });
    expect(status(other(true))).toMatchObject({ state: 'differs' });
    expect(status(other(false))).toMatchObject({ state: 'conflict' });
  });

  it('is not there without the secret, and copies certificates by name', () => {
    expect(ikeItems(espCarrier({ keys: 'ike', ike: PSK }), ikeSite(PSK), undefined, { mode: 'transport' })).toEqual([]);
    const spec = espCarrier({ keys: 'ike', ike: CERTIFICATE });
    const [copied] = ikeItems(spec, ikeSite(CERTIFICATE), undefined, { mode: 'transport' });
    expect(copied?.apply(at(undefined)).map(({ argv }) => argv.join(' '))).toEqual([
      'install -m 0644 /etc/a.pem /etc/swanctl/x509/clear-df-site-a.pem',
      'install -m 0644 /etc/ca.pem /etc/swanctl/x509ca/clear-df-site-a.pem',
      'install -m 0600 /etc/a.key /etc/swanctl/private/clear-df-site-a.pem',
      `install -m 0600 /dev/stdin ${file}`,
      'swanctl --load-all --noprompt',
    ]);
  });
});

describe('the unit', () => {
  it('starts behind charon, and the connection is made before the tunnel', () => {
    const plan = planTunnel(ikeSite(PSK), machine(), { psk: SECRET });
    const text = unitText(plan, {
      command: { node: '/usr/bin/node', script: '/usr/bin/clear-df' },
      file: '/etc/clear-df/site-a.yaml',
      fixed: false,
    });
    expect(text).toContain(
      'Wants=network-online.target strongswan.service\nAfter=network-online.target strongswan.service\n',
    );
    const kinds = plan.items.map(({ kind }) => kind);
    expect(kinds).toContain('ike');
    expect(kinds.indexOf('ike')).toBeLessThan(kinds.indexOf('gretap'));
  });
});

describe('the site file', () => {
  const text = (ike: string, more = '') =>
    `{name: a, local: 192.0.2.1, remote: 192.0.2.2, underlay: e, bridge: {ports: [p]}, carrier: {type: esp, ${more} ike: ${ike}}}`;

  it('takes a pre-shared key or a certificate, from its own folder on', () => {
    const { carrier } = parseSite(text('{ psk: a.psk, rekey: 20, remote-id: b.example }'), '/etc/x/a.yaml');
    expect(carrier).toMatchObject({
      keys: 'ike',
      ike: { proof: { kind: 'psk', file: '/etc/x/a.psk' }, rekey: 20, remoteId: 'b.example', localId: undefined },
    });
    const other = parseSite(text('{ certificate: a.pem, key: a.key, authority: /ca.pem }'), '/etc/x/a.yaml');
    expect(other.carrier).toMatchObject({
      ike: { proof: { kind: 'certificate', certificate: '/etc/x/a.pem', key: '/etc/x/a.key', authority: '/ca.pem' } },
    });
  });

  it.each([
    ['{ psk: a, certificate: b }', 'either psk: FILE, or certificate, key and authority'],
    ['{ certificate: b, key: c }', 'either psk: FILE, or certificate, key and authority'],
    ['{ psk: a, rekey: 5 }', 'seconds, 20-86400'],
    ['{ psk: a, presharedkey: b }', 'expected one of psk, certificate, key, authority, local-id, remote-id, rekey'],
  ])('refuses %s', (ike, words) => {
    expect(() => parseSite(text(ike), 'a.yaml')).toThrow(words);
  });

  it('refuses keys beside IKE', () => {
    expect(() => parseSite(text('{ psk: a }', 'keys: b,'), 'a.yaml')).toThrow('IKE makes keys of its own');
  });
});
