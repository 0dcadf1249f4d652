/** IKE: what both daemons are told, what charon says, and what becomes of it for people. */
import { describe, expect, it } from 'vitest';
import { parseAssociations, parseConnections, parseMessages } from '../../src/host/facts/ike.js';
import type { Facts, IkeFacts } from '../../src/tunnel/facts.js';
import { ikeItems } from '../../src/tunnel/ike/items.js';
import { judgeIke } from '../../src/tunnel/ike/judge.js';
import { libreswanSecret, libreswanText } from '../../src/tunnel/ike/libreswan-text.js';
import type { IkeSite } from '../../src/tunnel/ike/names.js';
import { otherEndText } from '../../src/tunnel/ike/other-end-text.js';
import { newPsk, readPsk } from '../../src/tunnel/ike/psk.js';
import { whyNot } from '../../src/tunnel/ike/reason.js';
import { swanctlText } from '../../src/tunnel/ike/swanctl-text.js';
import { commandText } from '../../src/tunnel/plan-text.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import type { IkeSpec } from '../../src/tunnel/site.js';
import { COUNTERS, LIST_CONNS, LIST_SAS, NO_PROPOSAL, NO_SAS, WRONG_SECRET } from './ike-samples.js';
import { espCarrier, facts as machine, site } from './tunnel-samples.js';

const PSK: IkeSpec = {
  proof: { kind: 'psk', file: '/etc/clear-df/site-a.psk' },
  ...{ localId: undefined, remoteId: undefined, rekey: 3600 },
};
const CERTIFICATE: IkeSpec = {
  proof: { kind: 'certificate', certificate: '/etc/a.pem', key: '/etc/a.key', authority: '/etc/ca.pem' },
  ...{ localId: 'a.example', remoteId: 'router-b@example.com', rekey: 20 },
};
const SECRET = '5365637265742d5365637265742d3432';

function ikeSite(ike: IkeSpec, mode: 'transport' | 'tunnel' = 'transport'): IkeSite {
  return site({ carrier: espCarrier({ keys: 'ike', mode, ike }) }) as IkeSite;
}

function ikeFacts(parts: Partial<IkeFacts> = {}): IkeFacts {
  return { silent: undefined, connections: [], associations: [], messages: new Map(), files: new Map(), ...parts };
}

describe('the connection for strongSwan', () => {
  it('is the one that has been seen to work', () => {
    expect(swanctlText(ikeSite(PSK), { mode: 'transport' }, SECRET)).toBe(`\
# Written by clear-df for tunnel site-a; clear-df tunnel down takes it away again.
connections {
  clear-df-site-a {
    version = 2
    local_addrs = 192.168.200.1
    remote_addrs = 172.16.0.1
    proposals = aes128gcm16-prfsha256-ecp256
    mobike = no
    # Both ends may begin at once: then there are two for a while, and neither takes the other down.
    unique = never
    dpd_delay = 10s
    local {
      auth = psk
      id = 192.168.200.1
    }
    remote {
      auth = psk
      id = 172.16.0.1
    }
    children {
      clear-df-site-a {
        mode = transport
        local_ts = dynamic[47]
        remote_ts = dynamic[47]
        esp_proposals = aes128gcm16-ecp256
        # A little earlier by chance, so that the two ends seldom begin at once.
        rekey_time = 3600s
        rand_time = 360s
        life_time = 3960s
        reqid = 3295
        # What is cut carries no DF; in tunnel mode nothing inside may bring it back.
        copy_df = no
        # From the first moment on: what the policy is for waits for ESP, and never leaves readable.
        start_action = trap
        close_action = trap
        dpd_action = trap
      }
    }
  }
}
secrets {
  ike-clear-df-site-a {
    id-1 = 192.168.200.1
    id-2 = 172.16.0.1
    secret = 0x${SECRET}
  }
}
`);
  });

  it('names certificates in the folder that AppArmor lets charon read', () => {
    const text = swanctlText(ikeSite(CERTIFICATE), { mode: 'tunnel' });
    expect(text).toContain(
      'auth = pubkey\n      certs = /etc/swanctl/x509/clear-df-site-a.pem\n      id = a.example\n',
    );
    expect(text).toContain('cacerts = /etc/swanctl/x509ca/clear-df-site-a.pem\n      id = router-b@example.com\n');
    expect(text).not.toContain('secret');
    expect(text).toContain('rekey_time = 20s\n        rand_time = 2s\n        life_time = 80s\n');
  });

  it('has marks, if_id and UDP where a carrier asks for them', () => {
    const mark = { value: 0x2a, mask: 0xffff_ffff };
    const vti = swanctlText(
      ikeSite(PSK),
      { mode: 'tunnel', policy: { selector: 'any', mark }, outputMark: mark },
      SECRET,
    );
    expect(vti).toContain('local_ts = 0.0.0.0/0\n        remote_ts = 0.0.0.0/0\n');
    expect(vti).toContain(
      'mark_in = 0x2a/0xffffffff\n        mark_out = 0x2a/0xffffffff\n        set_mark_out = 0x2a/0xffffffff\n',
    );
    const xfrm = swanctlText(ikeSite(PSK), { mode: 'tunnel', common: { ifId: 66 } }, SECRET);
    expect(xfrm).toContain('if_id_in = 0x42\n        if_id_out = 0x42\n');
    const ports = { local: 4500, remote: 4500 };
    expect(swanctlText(ikeSite(PSK), { mode: 'transport', ports }, SECRET)).toContain('    encap = yes\n');
  });
});

describe('the text for the other end', () => {
  it('is crosswise, without the secret unless it is asked for', () => {
    const options = { mode: 'tunnel' } as const;
    const hidden = otherEndText(ikeSite(PSK, 'tunnel'), options, { daemon: 'libreswan', psk: '<word>' });
    expect(hidden).toBe(`\
# Libreswan on 172.16.0.1: /etc/ipsec.d/clear-df-site-a.conf
conn clear-df-site-a
    left=172.16.0.1
    leftid=172.16.0.1
    right=192.168.200.1
    rightid=192.168.200.1
    leftprotoport=gre
    rightprotoport=gre
    type=tunnel
    ikev2=insist
    authby=secret
    ike=aes_gcm128-sha2_256;dh19
    esp=aes_gcm128-null;dh19
    pfs=yes
    salifetime=3600s
    rekeymargin=360s
    rekeyfuzz=100%
    ikelifetime=28800s
    reqid=3295
    nopmtudisc=yes
    dpddelay=10s
    dpdtimeout=60s
    dpdaction=hold
    auto=ondemand

# /etc/ipsec.d/clear-df-site-a.secrets, mode 0600
172.16.0.1 192.168.200.1 : PSK 0x<word>

# then:
# ipsec rereadsecrets
# ipsec add clear-df-site-a && ipsec ondemand clear-df-site-a
`);
    const swanctl = otherEndText(ikeSite(PSK), options, { daemon: 'swanctl', psk: '<word>' });
    expect(swanctl).toContain('local_addrs = 172.16.0.1\n    remote_addrs = 192.168.200.1\n');
    expect(swanctl).toContain('secret = 0x<word>\n');
  });

  it('marks names as names for Libreswan, which would look them up', () => {
    expect(libreswanText(ikeSite(CERTIFICATE), { mode: 'transport' })).toContain(
      'leftid=@a.example\n    right=172.16.0.1\n    rightid=router-b@example.com\n',
    );
    expect(libreswanSecret(ikeSite(PSK), SECRET)).toBe(`192.168.200.1 172.16.0.1 : PSK 0x${SECRET}\n`);
  });
});

describe('the pre-shared key', () => {
  it.each([
    ['Secret-Secret-42\n', SECRET],
    [`0x${SECRET.toUpperCase()}`, SECRET],
    [`0s${Buffer.from(SECRET, 'hex').toString('base64')}\r\n`, SECRET],
  ])('%j is read as both daemons would', (text, hex) => {
    expect(readPsk(text, 'FILE')).toBe(hex);
  });

  it.each([
    '',
    'short',
    'aaaaaaaaaaaaaaaaaaaa',
    'two lines of it\nin one file',
    '0xabc-not-hexadecimal-',
    '0s====not base64===',
  ])('%j is refused and not repeated', (text) => {
    expect(() => readPsk(text, 'FILE')).toThrow(/^read FILE: /);
    if (text.length > 1) expect(() => readPsk(text, 'FILE')).not.toThrow(new RegExp(text.slice(0, 12)));
  });

  it('is made anew with 32 bytes', () => {
    expect(readPsk(newPsk(), 'FILE')).toHaveLength(64);
    expect(newPsk()).not.toBe(newPsk());
  });
});

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
    const counted = judge({ connections, messages: parseMessages(COUNTERS) });
    expect(counted.words).toBe(
      "no keys: as far as charon's counters tell, 172.16.0.1 refuses us: AUTHENTICATION_FAILED (3 attempts since charon began)",
    );
    const silent = judge({ connections, messages: new Map([['ike-init-out-req', 4]]) });
    expect(silent.words).toContain('no answer from 172.16.0.1');
  });
});

describe('the item', () => {
  const [item] = ikeItems(espCarrier({ keys: 'ike', ike: PSK }), ikeSite(PSK), SECRET, { mode: 'transport' });
  const file = '/etc/swanctl/conf.d/clear-df-site-a.conf';
  const at = (ike: IkeFacts | undefined): Facts => machine({ ike });

  it('never shows the secret, and its way back does not hold it', () => {
    const commands = item?.make(at(undefined)) ?? [];
    expect(commands.map(({ argv }) => argv.join(' '))).toEqual([
      `install -m 0600 /dev/stdin ${file}`,
      'swanctl --load-all --noprompt',
    ]);
    expect(commands[0]?.input).toContain(SECRET);
    const shown = commands.map(commandText).join('\n');
    expect(shown).toContain('secret = 0x<the-pre-shared-key-as-hexadecimal-digits>');
    expect(`${shown}${JSON.stringify(item?.undo(at(undefined)))}`).not.toContain(SECRET);
  });

  it('is so when the file is ours to the byte and charon has loaded it', () => {
    const command = item?.make(at(undefined))[0];
    const digest = (text = '') =>
      import('node:crypto').then(({ createHash }) => createHash('sha256').update(text).digest('hex'));
    return digest(command?.input).then((right) => {
      const files = new Map([[file, { digest: right, ours: true }]]);
      const standing = (ike: IkeFacts) => item?.standing(at(ike));
      expect(standing(ikeFacts({ files, connections: ['clear-df-site-a'] }))).toEqual({ state: 'so' });
      expect(standing(ikeFacts({ files }))).toEqual({ state: 'not-so', found: 'charon has not loaded it' });
      expect(standing(ikeFacts())).toEqual({ state: 'not-so', found: `${file} is not there` });
      const other = (ours: boolean) => ikeFacts({ files: new Map([[file, { digest: 'x', ours }]]) });
      expect(standing(other(true))).toMatchObject({ state: 'not-so' });
      expect(standing(other(false))).toMatchObject({ state: 'in-the-way' });
    });
  });

  it('is not there without the secret, and copies certificates by name', () => {
    expect(ikeItems(espCarrier({ keys: 'ike', ike: PSK }), ikeSite(PSK), undefined, { mode: 'transport' })).toEqual([]);
    const spec = espCarrier({ keys: 'ike', ike: CERTIFICATE });
    const [copied] = ikeItems(spec, ikeSite(CERTIFICATE), undefined, { mode: 'transport' });
    expect(copied?.make(at(undefined)).map(({ argv }) => argv.join(' '))).toEqual([
      'install -m 0644 /etc/a.pem /etc/swanctl/x509/clear-df-site-a.pem',
      'install -m 0644 /etc/ca.pem /etc/swanctl/x509ca/clear-df-site-a.pem',
      'install -m 0600 /etc/a.key /etc/swanctl/private/clear-df-site-a.pem',
      `install -m 0600 /dev/stdin ${file}`,
      'swanctl --load-all --noprompt',
    ]);
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
