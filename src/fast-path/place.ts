/** From a rule to the place where a program does the same, and its settings. Pure. */
import type { IdentificationPolicy } from '../native.js';
import type { Direction, NativeFastSettings } from '../native/fast-path.js';
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import type { RuleSpec } from '../rules/spec.js';

export type FastSettings = Omit<NativeFastSettings, 'ethernet'>;

/** A device's name, and the side of it. */
export interface FastPlace {
  device: string;
  direction: Direction;
}

/** A place and what the program there is to do. */
export interface FastRule extends FastPlace {
  settings: FastSettings;
}

/** Every packet that leaves by a device. */
export function allThatLeave(device: string, identification: IdentificationPolicy): FastRule {
  return { device, direction: 'egress', settings: { ...EVERY_PACKET, identification } };
}

/** Every packet, with random identifications. */
export const EVERY_PACKET = {
  identification: 'random',
  route: 'none',
  largerThan: 0,
  outDevice: 0,
  leaveQuic: false,
  leaveZero: false,
  source: '0.0.0.0',
  sourceBits: 0,
  destination: '0.0.0.0',
  destinationBits: 0,
  protocol: 0,
  port: 0,
} as const satisfies FastSettings;

/**
 * What the fast path can do of a rule.
 * @param mtu bytes that `largerThan: 'mtu'` means, and the number of the device that it is the MTU of, 0 for any
 * @returns a text that says why the queue has to do it all
 */
export function fastRuleOf(
  rule: RuleSpec,
  identification: IdentificationPolicy,
  mtu: { bytes: number | undefined; device: number },
): FastRule | string {
  const { hook, inDev, outDev, largerThan, proto, includeQuic } = rule;
  const settings: FastSettings = {
    ...EVERY_PACKET,
    identification,
    ...prefix(rule.local, 'source', 'sourceBits'),
    ...prefix(rule.remote, 'destination', 'destinationBits'),
    ...protocol(proto),
    largerThan: (largerThan === 'mtu' ? mtu.bytes : largerThan) ?? 0,
  };
  if (hook === 'bridge') {
    if (inDev !== undefined)
      return 'where a frame came in by does not show where it leaves (--in-dev at --hook bridge)';
    if (outDev === undefined) return 'the rule names no device';
    // The queue comes first there, and is left what only it can do: TCP.
    if (proto !== 'all') return `the queue stands before it, and takes it all (--proto ${proto} at --hook bridge)`;
    return { device: outDev, direction: 'egress', settings };
  }
  if (hook !== 'prerouting') return `outer headers that this host makes are the queue's (--hook ${hook})`;
  if (inDev === undefined) return 'it stands at one device, and the rule is for all of them (no --in-dev)';
  return {
    device: inDev,
    direction: 'ingress',
    settings: {
      ...settings,
      route: largerThan === 'mtu' ? 'mtu' : 'forwarded',
      outDevice: largerThan === 'mtu' ? mtu.device : 0,
      leaveQuic: proto === 'all' && !includeQuic,
      leaveZero: true,
    },
  };
}

function prefix(
  text: string | undefined,
  address: 'source' | 'destination',
  bits: 'sourceBits' | 'destinationBits',
): Partial<FastSettings> {
  if (text === undefined) return {};
  const [start = '', length = '32'] = text.split('/');
  return { [address]: start, [bits]: Number(length) };
}

function protocol(proto: RuleSpec['proto']): Partial<FastSettings> {
  if (proto === 'all') return {};
  if (proto === 'gre' || proto === 'esp') return { protocol: PROTOCOL_NUMBERS[proto] };
  return { protocol: PROTOCOL_NUMBERS.udp, port: Number(proto.slice('udp:'.length)) };
}
