/** IKE: what both daemons are told, and the secret in it. */
import { describe, expect, it } from 'vitest';
import { libreswanSecret, libreswanText } from '../../src/tunnel/carriers/ike/libreswan-text.js';
import { otherEndText } from '../../src/tunnel/carriers/ike/other-end-text.js';
import { newPsk, readPsk } from '../../src/tunnel/carriers/ike/psk.js';
import { swanctlText } from '../../src/tunnel/carriers/ike/swanctl-text.js';
import type { IkeSite } from '../../src/tunnel/carriers/ike/names.js';
import { CERTIFICATE, ikeSite, L2TP, PSK, SECRET, VXLAN } from './ike-samples.js';

describe('the connection for strongSwan', () => {
  it('is the one that has been seen to work', () => {
    expect(swanctlText(ikeSite(PSK), { mode: 'transport' }, SECRET)).toBe(`\
# Written by clear-df for tunnel site-a; clear-df tunnel down removes it.
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
        replay_window = 1024
        # What is cut carries no DF; in tunnel mode nothing inside may bring it back.
        copy_df = no
        # From the first moment on: what the policy is for waits for ESP, and never leaves unencrypted.
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
    replay-window=1024
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

  it('of several other ends has each one, and the ports crosswise', () => {
    const options = { mode: 'transport' } as const;
    const vxlan = { ...ikeSite(PSK), tunnel: VXLAN, moreRemotes: ['172.16.0.9'] };
    const text = otherEndText(vxlan, options, { daemon: 'swanctl', psk: '<word>' });
    const child = ['clear-df-site-a-192-168-200-1 {', 'local_ts = dynamic[17]', 'remote_ts = dynamic[17/4789]'];
    const back = ['clear-df-site-a-192-168-200-1-back {', 'local_ts = dynamic[17/4789]', 'remote_ts = dynamic[17]'];
    const ends = ['172.16.0.1', '172.16.0.9'].flatMap((end) => [
      ...['clear-df-site-a-192-168-200-1 {', `local_addrs = ${end}`],
      ...[...child, ...back],
    ]);
    const shown = /^ +(?!ike-)(\S+-1(?:-back)? \{|local_addrs.*|(?:local|remote)_ts.*)$/gm;
    expect([...text.matchAll(shown)].map(([, line]) => line)).toEqual(ends);
    expect(() => otherEndText(vxlan, options, { daemon: 'libreswan', psk: '' })).toThrow('gretap or l2tp');
    const l2tp = { ...ikeSite(PSK), tunnel: { ...L2TP, encapsulation: 'udp', port: 1701, peerPort: 1702 } } as IkeSite;
    const swanctl = otherEndText(l2tp, options, { daemon: 'swanctl', psk: '<word>' });
    expect(swanctl).toContain('local_ts = dynamic[17/1702]\n        remote_ts = dynamic[17/1701]\n');
    expect(swanctlText({ ...l2tp, tunnel: L2TP }, options)).toContain('local_ts = dynamic[115]\n');
  });

  it('marks names as names for Libreswan, which would look them up', () => {
    expect(libreswanText(ikeSite(CERTIFICATE), { mode: 'transport' })).toContain(
      'leftid=@a.example\n    right=172.16.0.1\n    rightid=router-b@example.com\n',
    );
    const six = ikeSite({ ...PSK, localId: '2001:db8::1' });
    expect(libreswanText(six, { mode: 'transport' })).toContain('leftid=2001:db8::1\n');
    expect(libreswanSecret(ikeSite(PSK), SECRET)).toBe(`192.168.200.1 172.16.0.1 : PSK 0x${SECRET}\n`);
  });
});

it('Libreswan gets no reqid of those that it gives itself', () => {
  const own = ikeSite(PSK);
  const text = (reqid: number) => libreswanText({ ...own, carrier: { ...own.carrier, reqid } }, { mode: 'transport' });
  expect(text(16_379)).toContain('reqid=16379\n');
  expect(text(16_380)).not.toContain('reqid');
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
