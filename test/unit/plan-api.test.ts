/** `clear-df/plan`, as another program uses it. */
import { describe, expect, it } from 'vitest';
import { ClearDfError, plan, type TunnelSpec } from '../../src/plan.js';
import { newKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import { espCarrier, site } from './tunnel-samples.js';

const SPEC: TunnelSpec = {
  name: 'site-a',
  local: '192.168.200.1',
  remote: '172.16.0.1',
  underlay: 'eth1',
  bridge: { ports: ['eth0'] },
};

function circle(): object {
  const spec: Record<string, unknown> = { ...SPEC };
  spec['bridge'] = spec;
  return spec;
}

function refusal(spec: TunnelSpec, options?: Parameters<typeof plan>[1]): ClearDfError {
  try {
    plan(spec, options);
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('plan', () => {
  it('is data: steps with commands, sizes, and nothing that JSON would lose', () => {
    const made = plan(SPEC);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    expect(made).toMatchObject({ name: 'site-a', engine: 'tunnel-flag', queues: undefined });
    // 1500 + Ethernet 14 + GRE 4 + IPv4 20 = 1538 = 1500 + 58.
    expect(made.sizes.wire.map(({ length }) => length)).toEqual([1500, 58]);
    const argvs = made.steps.flatMap(({ commands }) => commands.map(({ argv }) => argv.join(' ')));
    expect(argvs).toContain('ip link set dev gretap1 mtu 1500');
    expect(made.script).toContain('ip link set dev eth0 master br0');
  });

  it('takes the machine as it is described', () => {
    const machine = { pathMtu: 1400, devices: { eth0: 9000 }, modules: ['ip_gre'], can: { ignoreDf: 'no' as const } };
    const made = plan({ ...SPEC, queue: '2:3', mtu: 1500 }, { machine });
    expect(made).toMatchObject({ engine: 'bpf', queues: { first: 2, last: 3 } });
    // At most 1376 = 8 · 172 bytes behind 20 of header: 1518 = 1376 + 142.
    expect(made.sizes.wire.map(({ length }) => length)).toEqual([1396, 162]);
    expect(made.steps.map(({ key }) => key)).not.toContain('module ip_gre');
    expect(made.notes.join('\n')).toContain('eth0 has an MTU of 9000');
  });

  it('knows what a device adds by its kind', () => {
    const vpn = { ...SPEC, underlay: 'wg0', carrier: 'tun' };
    const lengths = (kind: string) =>
      plan(vpn, { machine: { devices: { wg0: { mtu: 1420, kind } } } }).sizes.wire.map(({ length }) => length);
    // 1538 in fragments of 1420 (20 + 1400) and 138 (20 + 118). WireGuard pads to 16 within its MTU and adds 60.
    expect(lengths('tun')).toEqual([1420, 138]);
    expect(lengths('wireguard')).toEqual([1480, 204]);
  });

  it('refuses in the words of a site file, with the line of the spec', () => {
    const wrong = refusal({ ...SPEC, remote: '172.16.0.300' });
    expect(wrong).toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(wrong.message).toMatch(/^read site-a:4 remote: '172\.16\.0\.300' is not accepted/);
    const misspelt = { ...SPEC, undrelay: 'eth1' } as TunnelSpec;
    expect(refusal(misspelt).hint).toBe("did you mean 'underlay'?");
    const none = { ignoreDf: 'no', bridgeQueue: 'no', nftBridgeQueue: 'no', fastPath: 'no' } as const;
    expect(refusal(SPEC, { machine: { can: none } })).toMatchObject({ code: 'ENVIRONMENT' });
  });

  it.each<[spec: unknown, options: unknown, message: RegExp]>([
    [undefined, {}, /^read spec: it is missing; expected an object with the keys of a site file/],
    [null, {}, /^read spec: null is not accepted/],
    ['name: site-a', {}, /^read spec: 'name: site-a' is not accepted/],
    [{ ...SPEC, mtu: 1500n }, {}, /^read site-a:11 mtu: '1500n' is not accepted; expected bytes/],
    [{ ...SPEC, mtu: NaN }, {}, /^read site-a:11 mtu: 'NaN' is not accepted/],
    [{ ...SPEC, mtu: () => 1500 }, {}, /^read site-a:11 mtu: 'a function' is not accepted/],
    [circle(), {}, /^read spec: it cannot be written as JSON/],
    [SPEC, null, /^read options: expected an object with machine or keys$/],
    [SPEC, { key: 'secret' }, /^read options: unknown option 'key'; expected machine or keys$/],
    [SPEC, { keys: Buffer.from('secret') }, /^read keys: it is no text; expected the text of a key file$/],
    [SPEC, { machine: 1400 }, /^read machine: 1400 is not accepted; expected an object/],
    [
      SPEC,
      { machine: { pathmtu: 1400 } },
      /^read machine: 'pathmtu' is not accepted; expected one of pathMtu, devices/,
    ],
    [SPEC, { machine: { pathMtu: NaN } }, /^read pathMtu: NaN is not accepted; expected bytes/],
    [SPEC, { machine: { devices: { wg0: '1420' } } }, /^read devices: \{"wg0":"1420"\} is not accepted/],
    [SPEC, { machine: { can: { ignoreDF: 'no' } } }, /^read can: \{"ignoreDF":"no"\} is not accepted/],
  ])('refuses what is none: %o, %o', (spec, options, message) => {
    expect(refusal(spec as TunnelSpec, options as never)).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message) as string,
    });
  });

  it('takes a name that is a number, as a site file does', () => {
    expect(plan({ ...SPEC, name: 5 } as unknown as TunnelSpec).name).toBe('5');
  });

  it('has keys in what a program runs, and never in what a person reads', () => {
    const carrier = espCarrier();
    const keys = newKeys({ ...site(), ...SPEC, bridge: site().bridge, tunnel: site().tunnel, carrier });
    const made = plan({ ...SPEC, carrier: { type: 'esp', cipher: carrier.cipher, keys: 'site.keys' } }, { keys });
    const secrets = [...keys.matchAll(/key: (0x[\da-f]+)/g)].map(([, key = '']) => key);
    expect(secrets).toHaveLength(2);
    const inputs = made.steps.flatMap(({ commands }) => commands.map(({ input = '' }) => input)).join('');
    for (const secret of secrets) expect(inputs).toContain(secret);
    const shown = made.script + made.steps.flatMap(({ text }) => text).join('');
    for (const secret of secrets) expect(shown).not.toContain(secret.slice(2));
  });
});
