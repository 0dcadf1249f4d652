/** The doctor's checks of carriers with a device of their own. */
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/doctor/examine.js';
import type { FindingState } from '../../src/doctor/finding.js';
import type { Device, Transform } from '../../src/doctor/machine.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { type Change, device, machine, NOT_READ, sysctls } from './doctor/machine.js';

const HEAD = 'local: 192.0.2.1\nremote: 198.51.100.1\nunderlay: eth1\nbridge: { ports: [eth0] }\n';
const VTI = '{ type: vti, keys: /k }';
const XFRM = '{ type: xfrm-interface, keys: /k, inner: { local: 10.255.0.1, remote: 10.255.0.2 } }';
const ENDS = { local: '192.0.2.1', remote: '198.51.100.1' };
const KEY = '0.0.12.223';

const vti = (parts: Partial<Device> = {}) =>
  device('vti1', { kind: 'vti', mtu: 1446, data: { ...ENDS, ikey: KEY, okey: KEY }, ...parts });
const ipsec = (parts: Partial<Device> = {}) =>
  device('ipsec0', { kind: 'xfrm', mtu: 1446, data: { if_id: '0xcdf' }, ...parts });
const rules = (words: string, preference = 3295): Change => ({
  rules: { known: [{ family: 4, preference, words: words.split(' ') }] },
});
const state = (parts: Partial<Transform> = {}): Transform => ({
  ...{ source: '192.0.2.1', destination: '198.51.100.1', protocol: 'esp' },
  ...{ outputMark: { value: 0xcdf, mask: 0xfff }, ...parts },
});
const all = { source: '0.0.0.0/0', destination: '0.0.0.0/0', protocol: 'esp' };
const flags = (policy: string, xfrm: string) =>
  sysctls({ 'net/ipv4/conf/vti1/disable_policy': policy, 'net/ipv4/conf/vti1/disable_xfrm': xfrm });

/** What `clear-df tunnel up` leaves. */
const READY: Change = {
  devices: { known: [device('eth1'), vti(), ipsec()] },
  ...rules('not from all fwmark 0xcdf/0xfff lookup 3295'),
  transforms: { known: [state()] },
  ...flags('1', '0'),
};
const on = (one: Device): Change => ({ devices: { known: [device('eth1'), one] } });

const CASES: [check: string, carrier: string, change: Change, state: FindingState, holds: RegExp][] = [
  ['carrier-device', VTI, {}, 'ok', /key 0xcdf/],
  ['carrier-device', VTI, { devices: { known: [] } }, 'wrong', /no such device/],
  ['carrier-device', VTI, { devices: NOT_READ }, 'unknown', /./],
  ['carrier-device', VTI, on(vti({ up: false })), 'wrong', /routes are gone/],
  ['carrier-device', VTI, on(vti({ kind: 'veth' })), 'wrong', /kind veth/],
  ['carrier-device', VTI, on(vti({ data: { ...ENDS, okey: KEY } })), 'wrong', /keys none and 0xcdf/],
  ['carrier-device', VTI, on(vti({ data: { ...ENDS, remote: '203.0.113.9' } })), 'wrong', /203\.0\.113\.9/],
  ['carrier-device', XFRM, {}, 'ok', /if_id 0xcdf/],
  ['carrier-device', XFRM, on(ipsec({ data: { if_id: '0x7' } })), 'wrong', /0x7, the file says 0xcdf/],
  // ESP around 1446: 1500; around 1447: 20 + 8 + 8 + (1447 + 2 → 1452) + 16 = 1504.
  ['carrier-mtu', XFRM, {}, 'ok', /1500 bytes of 1500/],
  ['carrier-mtu', XFRM, on(ipsec({ mtu: 1447 })), 'wrong', /1504 bytes.*cut twice/],
  ['carrier-mtu', XFRM, { devices: { known: [ipsec()] } }, 'unknown', /no eth1/],
  ['carrier-errors', XFRM, {}, 'ok', /none/],
  ['carrier-errors', XFRM, on(ipsec({ collisions: 3, txErrors: 3 })), 'wrong', /3 came back.*collsns/],
  ['carrier-errors', XFRM, on(ipsec({ txCarrierErrors: 2, txErrors: 2 })), 'wrong', /2 \(TX carrier\)/],
  ['carrier-flags', VTI, {}, 'ok', /disable_policy 1/],
  ['carrier-flags', VTI, flags('1', '1'), 'wrong', /disable_xfrm is 1/],
  ['carrier-flags', VTI, flags('0', '0'), 'wrong', /disable_policy is 0/],
  ['carrier-flags', VTI, { sysctls: new Map() }, 'unknown', /./],
  ['carrier-rule', VTI, {}, 'ok', /3295: not from all/],
  ['carrier-rule', VTI, { rules: { known: [] } }, 'wrong', /not there/],
  ['carrier-rule', VTI, rules('not from all fwmark 0xcdf lookup 3295'), 'wrong', /0xcdf\/0xffffffff/],
  ['carrier-rule', VTI, { rules: NOT_READ }, 'unknown', /./],
  ['carrier-mark', VTI, {}, 'ok', /as in the rule/],
  ['carrier-mark', VTI, { transforms: { known: [state({ outputMark: undefined })] } }, 'wrong', /output-mark none/],
  ['carrier-mark', VTI, { transforms: { known: [] } }, 'wrong', /no association/],
  ['carrier-policies', VTI, {}, 'ok', /none that matches every mark/],
  ['carrier-policies', VTI, { transforms: { known: [{ ...all, direction: 'out' }] } }, 'wrong', /every mark/],
  [
    'carrier-policies',
    VTI,
    { transforms: { known: [{ ...all, direction: 'in', mark: { value: 0, mask: 0xffff_ffff } }] } },
    'ok',
    /none/,
  ],
];

describe('a carrier with a device of its own', () => {
  it.each(CASES.map((each, i) => ({ name: `${each[0]}: ${each[3]} (${i})`, each })))(
    '$name',
    ({ each: [check, carrier, change, wanted, holds] }) => {
      const site = parseSite(`${HEAD}carrier: ${carrier}\n`, 'a.yaml');
      const found = examine(machine({ ...READY, ...change }), site).filter((one) => one.check === check);
      expect(found.map((one) => one.state)).toEqual([wanted]);
      expect(found[0]?.evidence).toMatch(holds);
      if (wanted === 'wrong') expect(found[0]?.fix ?? found[0]?.hint).toBeDefined();
    },
  );

  it('says that GRE leaves unencrypted where the route goes past the device', () => {
    const site = parseSite(`${HEAD}carrier: ${VTI}\n`, 'a.yaml');
    const by = (dev: string) => {
      const paths = new Map([['198.51.100.1', { known: { dev, mtu: 1446 } }]]);
      return examine(machine({ ...READY, paths }), site).find((one) => one.group === 'site' && one.check === 'path');
    };
    expect(by('vti1')?.state).toBe('ok');
    expect(by('eth1')).toMatchObject({
      state: 'wrong',
      evidence: 'by eth1, and so past vti1: GRE that no guard holds back leaves unencrypted',
    });
  });
});
