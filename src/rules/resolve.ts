/** From what a person asks for to single rules that every backend can write. */
import { ClearDfError } from '../errors.js';
import { QUIC_PORT } from '../net/protocol.js';
import { type Fanout, type Hook, type RuleSpec } from './spec.js';

/** The comment that marks a rule as owned by an instance. */
const TAG_PREFIX = 'clear-df:';

/** The in-kernel prefilter: DF in the 16-bit word that holds flags and fragment offset (RFC 791 §3.1). */
export const DF_MASK = 0x4000;

/** The identification, in the 16 bits before that word. */
export const IDENTIFICATION_MASK = 0xffff_0000;

/** Which packets of which protocol. Ports are only in a datagram's first fragment. */
export type ProtocolMatch =
  | { kind: 'any' }
  | { kind: 'gre' | 'esp' }
  /** TCP with identification 0. */
  | { kind: 'tcp-unidentified' }
  /** UDP with this source or destination port. */
  | { kind: 'udp-port'; port: number }
  | { kind: 'not-udp' }
  | { kind: 'not-tcp' }
  /** TCP packets of at most so many bytes, from the IP header on. */
  | { kind: 'tcp-at-most'; bytes: number }
  /** UDP with neither port equal to this; first fragments and whole datagrams. */
  | { kind: 'udp-other-port'; port: number }
  /** UDP fragments behind the first, which carry no ports. */
  | { kind: 'udp-later-fragment' };

/** One rule, free of any backend's words. DF set is always matched. */
export interface ResolvedRule {
  name: string;
  hook: Hook;
  protocol: ProtocolMatch;
  /** `A.B.C.D/N` */
  source?: string;
  destination?: string;
  inDev?: string;
  outDev?: string;
  /** Bytes from the IP header on; only longer packets match. */
  longerThan?: number;
  /** Only packets with a source address of this host. */
  sourceLocal: boolean;
  /** No packets to this host: a GSO packet cleared and then delivered here loses its checksum. */
  destinationNotLocal: boolean;
  queues: { first: number; last: number };
  /** `hash` where there is one queue. */
  fanout: Fanout;
  bypass: boolean;
}

/** The MTU in bytes of the device or route that `largerThan: 'mtu'` means. */
interface Facts {
  mtu?: number | undefined;
}

/**
 * The rules of a spec. Forwarded packets of all protocols without QUIC take three, because UDP ports
 * cannot be excluded without also losing UDP's later fragments, which have none.
 * @throws ClearDfError RUNTIME when `largerThan` is mtu and no MTU is given
 */
export function resolveRules(spec: RuleSpec, facts: Facts = {}): ResolvedRule[] {
  const longerThan = spec.largerThan === 'mtu' ? facts.mtu : spec.largerThan;
  if (spec.largerThan === 'mtu' && longerThan === undefined) {
    throw new ClearDfError({
      code: 'RUNTIME',
      operation: 'resolve',
      object: '--larger-than mtu',
      reason: 'the MTU is not known',
      hint: 'give bytes',
    });
  }
  const routed = spec.hook !== 'bridge';
  const outDev = spec.hook === 'prerouting' ? undefined : spec.outDev;
  const common = {
    name: spec.name,
    hook: spec.hook,
    ...defined('source', narrow(spec.local)),
    ...defined('destination', narrow(spec.remote)),
    ...defined('inDev', spec.inDev),
    ...defined('outDev', outDev),
    ...defined('longerThan', longerThan),
    // Transit packets pass postrouting too; --local says which source is this host's where a VRF hides it.
    sourceLocal: spec.hook === 'postrouting' && spec.local === undefined,
    destinationNotLocal: routed,
    queues: spec.queues,
    // A HUP keeps the queues that are bound, whatever the file says of both: iptables refuses it for one alone.
    fanout: spec.queues.first === spec.queues.last ? 'hash' : spec.fanout,
    bypass: spec.bypass,
  };
  return protocols(spec).map((protocol) => ({ ...common, protocol }));
}

/** The owner's comment: `clear-df:<name>`. */
export function tagOf(name: string): string {
  return `${TAG_PREFIX}${name}`;
}

/** The instance that a comment names, or undefined when it is not one of ours. */
export function nameOfTag(comment: string): string | undefined {
  return /^clear-df:([A-Za-z0-9_][A-Za-z0-9_-]{0,31})$/.exec(comment)?.[1];
}

function protocols({ proto, forwarded, includeQuic, leftByFastPath, tcpAtMost }: RuleSpec): ProtocolMatch[] {
  if (leftByFastPath === true) return [{ kind: 'tcp-unidentified' }];
  if (tcpAtMost !== undefined) return [{ kind: 'not-tcp' }, { kind: 'tcp-at-most', bytes: tcpAtMost }];
  if (proto === 'gre' || proto === 'esp') return [{ kind: proto }];
  if (proto !== 'all') return [{ kind: 'udp-port', port: Number(proto.slice('udp:'.length)) }];
  if (!forwarded || includeQuic) return [{ kind: 'any' }];
  return [{ kind: 'not-udp' }, { kind: 'udp-other-port', port: QUIC_PORT }, { kind: 'udp-later-fragment' }];
}

/** A prefix that covers everything matches nothing less than no prefix; firewalls print it as none. */
function narrow(prefix: string | undefined): string | undefined {
  return prefix?.endsWith('/0') ? undefined : prefix;
}

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
