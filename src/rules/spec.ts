/**
 * What to match and where, as a person asks for it. {@link parseRuleSpec} refuses what cannot
 * work or must not be done unasked, and fills in the defaults of the situation (tunnel or forwarded).
 */
import * as z from 'zod';
import { type ClearDfError, missingError, requiresError, usageError } from '../errors.js';
import { IPV4_PREFIX_FORM, readIpv4Prefix } from '../net/address.js';
import { DEVICE_NAME_MAX, isDeviceName } from '../net/device.js';
import { IPV4_LENGTH_MAX, IPV4_MTU_MIN, QUIC_PORT, UINT16_MAX } from '../net/protocol.js';
import { isQueueRange, QUEUE_RANGE_FORM, queueName, rangeText } from '../net/queue-range.js';

const HOOKS = ['output', 'prerouting', 'postrouting', 'bridge'] as const;
export type Hook = (typeof HOOKS)[number];

/** How a rule over several queues chooses one: by the packet's addresses and protocol, or by the CPU that it is on. */
export const FANOUTS = ['hash', 'cpu'] as const;
export type Fanout = (typeof FANOUTS)[number];

/** Instance names stand in comments and table names: letters, digits, `_` and `-` only. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$/;

export const INSTANCE_NAME_FORM = 'letters, digits, _ and -, at most 32';

/** Whether a text can be an instance's name. */
export function isInstanceName(text: string): boolean {
  return NAME.test(text);
}

const DEVICE = `a device name of at most ${DEVICE_NAME_MAX} letters, digits and _.@%=~^-, without wildcards`;
const TRUTH = 'true or false';

/** The accepted form of each part, for the person whose value was refused. */
const ACCEPTED: Record<string, string> = {
  name: INSTANCE_NAME_FORM,
  hook: HOOKS.join(', '),
  proto: 'gre, esp, udp:PORT or all',
  local: IPV4_PREFIX_FORM,
  remote: IPV4_PREFIX_FORM,
  inDev: DEVICE,
  outDev: DEVICE,
  largerThan: `bytes, ${IPV4_MTU_MIN}-${IPV4_LENGTH_MAX - 1}, or mtu`,
  forwarded: TRUTH,
  includeQuic: TRUTH,
  queues: QUEUE_RANGE_FORM,
  fanout: FANOUTS.join(' or '),
  bypass: TRUTH,
};

const prefix = z.string().transform((text, context) => {
  const read = readIpv4Prefix(text);
  if (typeof read === 'string') return read;
  context.addIssue({ code: 'custom', params: { hint: read.hint } });
  return z.NEVER;
});

const device = z.string().refine(isDeviceName);

const port = (text: string): boolean => Number(text.slice('udp:'.length)) <= UINT16_MAX;
const proto = z.union([
  z.enum(['gre', 'esp', 'all']),
  z.templateLiteral(['udp:', z.string().regex(/^[1-9]\d{0,4}$/)]).refine(port),
]);

const bytes = z
  .int()
  .min(IPV4_MTU_MIN)
  .max(IPV4_LENGTH_MAX - 1);

/** A rule as asked for; see {@link parseRuleSpec}. */
export interface RuleSpecInput {
  /** The instance that owns the rules; the comment in the firewall is `clear-df:<name>`. Default: `default`. */
  name?: string | undefined;
  /** Default: prerouting for forwarded packets, output otherwise. */
  hook?: Hook | undefined;
  /** Default: gre at output and postrouting, all elsewhere. At the bridge hook: of the inner packet. */
  proto?: 'gre' | 'esp' | 'all' | `udp:${string}` | undefined;
  /** Source address of the packet that is queued. */
  local?: string | undefined;
  /** Destination address of the packet that is queued. */
  remote?: string | undefined;
  inDev?: string | undefined;
  /** At prerouting it is not matched (routing comes later): it names the device whose MTU is meant. */
  outDev?: string | undefined;
  /** Only packets longer than this many bytes, from the IP header on. Default for forwarded packets: mtu. */
  largerThan?: number | 'mtu' | undefined;
  /** The opt-in to packets in transit, which a router is to leave alone (RFC 6864 §4.3). Default: false. */
  forwarded?: boolean | undefined;
  /** Forwarded packets from and to UDP port 443 as well. Default: false. */
  includeQuic?: boolean | undefined;
  queues: { first: number; last: number };
  /** How packets spread over several queues; `cpu` keeps a flow in order while it stays on one CPU. Default: hash. */
  fanout?: Fanout | undefined;
  /** Let packets through unchanged when nothing listens on the queue. Default: true. */
  bypass?: boolean | undefined;
}

const flags = z.strictObject({
  name: z.string().regex(NAME).default('default'),
  hook: z.enum(HOOKS).optional(),
  proto: proto.optional(),
  local: prefix.optional(),
  remote: prefix.optional(),
  inDev: device.optional(),
  outDev: device.optional(),
  largerThan: z.union([z.literal('mtu'), bytes]).optional(),
  forwarded: z.boolean().default(false),
  includeQuic: z.boolean().default(false),
  queues: z.strictObject({ first: z.int(), last: z.int() }).refine(isQueueRange),
  fanout: z.enum(FANOUTS).default('hash'),
  bypass: z.boolean().default(true),
} satisfies Record<keyof RuleSpecInput, z.ZodType>) satisfies z.ZodType<Flags, RuleSpecInput>;

type Defaulted = 'name' | 'forwarded' | 'includeQuic' | 'fanout' | 'bypass';
type Flags = Omit<RuleSpecInput, Defaulted> & { [Each in Defaulted]: NonNullable<RuleSpecInput[Each]> };
/** A rule whose parts fit each other, with every default filled in. */
export type RuleSpec = Flags & {
  hook: Hook;
  proto: NonNullable<Flags['proto']>;
  /** Only what the fast path leaves: it stands behind this hook and clears all the rest. */
  leftByFastPath?: boolean;
  /**
   * TCP is clamped to what is cut to: of TCP only packets of at most this many bytes, from connections that began before.
   * What is longer is a GSO packet, whose segments fit.
   */
  tcpAtMost?: number;
};

/** The names of a rule's parts, as they are spelt in {@link RuleSpecInput}. */
const RULE_KEYS = Object.keys(flags.shape) as (keyof RuleSpecInput)[];

/** The command-line flag of a part: `largerThan` → `--larger-than`. */
export function flagOf(key: string): string {
  if (key === 'queues') return '--queue';
  if (key === 'bypass') return '--no-bypass';
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Checks a rule and fills in its defaults.
 * @throws ClearDfError USAGE that names the flag, the value and the accepted form
 */
export function parseRuleSpec(input: unknown): RuleSpec {
  const read = flags.safeParse(input);
  if (!read.success) throw refusal(input, read.error.issues[0]);
  const asked = read.data;
  const hook = asked.hook ?? (asked.forwarded ? 'prerouting' : 'output');
  const originated = hook === 'output' || hook === 'postrouting';
  const spec: RuleSpec = {
    ...asked,
    hook,
    proto: asked.proto ?? (originated ? 'gre' : 'all'),
    ...(asked.forwarded && asked.largerThan === undefined ? { largerThan: 'mtu' as const } : {}),
  };
  checkName(spec);
  checkSituation(spec);
  checkDevices(spec);
  checkLength(spec, asked.largerThan !== undefined);
  checkFanout(spec);
  return spec;
}

function refusal(input: unknown, issue: z.core.$ZodIssue | undefined): ClearDfError {
  if (issue?.code === 'unrecognized_keys') {
    return usageError('rule', issue.keys[0], `one of ${RULE_KEYS.join(', ')}`);
  }
  if (issue?.path[0] === undefined) return usageError('rule', input, 'an object');
  const key = String(issue.path[0]);
  const hint = issue.code === 'custom' ? (issue.params?.hint as string | undefined) : undefined;
  const value = (input as Record<string, unknown>)[key];
  return usageError(flagOf(key), key === 'queues' ? queuesText(value) : value, ACCEPTED[key] ?? '', hint);
}

/** A range as the flag spells it. */
function queuesText(value: unknown): unknown {
  const { first, last } = (value ?? {}) as { first?: unknown; last?: unknown };
  if (typeof first !== 'number' || typeof last !== 'number') return value;
  return rangeText({ first, last });
}

/** A program of the fast path without rules of a run's own has the name of its queue, which one process holds. */
function checkName({ name, queues }: RuleSpec): void {
  if (!/^queue-\d+$/.test(name) || name === queueName(queues)) return;
  throw usageError('--name', name, 'another name', `it is that of the fast path of ${name.replace('-', ' ')}`);
}

function checkSituation({ hook, forwarded, includeQuic, proto }: RuleSpec): void {
  if (hook === 'prerouting' && !forwarded) {
    throw usageError(
      '--hook',
      hook,
      'prerouting together with --forwarded',
      'packets at prerouting belong to others, and a router must not clear their DF (RFC 6864 §4.3): pass --forwarded to do it anyway',
    );
  }
  if (forwarded && hook !== 'prerouting') {
    throw requiresError(
      '--forwarded',
      '--hook prerouting',
      'the kernel drops a forwarded packet that is too big before every later hook',
    );
  }
  if (includeQuic && !forwarded) throw requiresError('--include-quic', '--forwarded');
  if (forwarded && !includeQuic && proto === `udp:${QUIC_PORT}`) {
    throw usageError('--proto', proto, 'another protocol, or --include-quic', 'QUIC finds its packet size with DF');
  }
}

function checkDevices({ hook, inDev, outDev, largerThan }: RuleSpec): void {
  if (inDev !== undefined && (hook === 'output' || hook === 'postrouting')) {
    throw usageError('--in-dev', inDev, `no incoming device at --hook ${hook}`, 'use --out-dev');
  }
  if (outDev !== undefined && hook === 'prerouting' && largerThan !== 'mtu') {
    throw usageError(
      '--out-dev',
      outDev,
      'it at prerouting only with --larger-than mtu',
      'routing comes after prerouting',
    );
  }
  if (outDev === undefined && hook === 'bridge') {
    throw missingError('--out-dev', 'the bridge port of the tunnel at --hook bridge', 'for example --out-dev gretap1');
  }
}

function checkLength({ hook, largerThan, outDev, remote }: RuleSpec, asked: boolean): void {
  if (largerThan !== 'mtu') return;
  if (hook === 'bridge') {
    throw usageError(
      '--larger-than',
      largerThan,
      'bytes at --hook bridge',
      'every port of a bridge has its MTU; what fits the tunnel is less: 1462 for gretap over a 1500-byte path',
    );
  }
  if (outDev === undefined && !remote?.endsWith('/32')) {
    if (!asked) {
      throw missingError(
        '--out-dev',
        'the device that forwarded packets leave by: only those longer than its MTU are taken',
        '--out-dev DEVICE; or --remote ADDRESS of a single host, or --larger-than BYTES',
      );
    }
    throw usageError(
      '--larger-than',
      largerThan,
      'mtu together with --out-dev or a single --remote address',
      'name the device whose MTU is meant, or give bytes',
    );
  }
}

function checkFanout({ fanout, queues }: RuleSpec): void {
  if (fanout === 'hash' || queues.first < queues.last) return;
  throw usageError(
    '--fanout',
    fanout,
    'it together with several queues',
    `queue ${queues.first} alone leaves no choice: --queue FIRST:LAST, or leave --fanout out`,
  );
}
