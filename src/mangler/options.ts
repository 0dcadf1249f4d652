/** The options of `ClearDf.open`: their types, and their check. */
import * as z from 'zod';
import { type ClearDfError, optionError, usageError } from '../errors.js';
import type { IdentificationPolicy } from '../native.js';
import { parseQueueRange } from '../net/queue-range.js';

export const IDENTIFICATION_POLICIES = ['random', 'keep', 'sequential'] as const satisfies IdentificationPolicy[];

/** The kernel caps what it copies at 65535 bytes less the attribute header. */
export const COPY_RANGE_MAX = 65_531;

/** Packets that one look at a queue takes. */
export const BATCH_MAX = 64;

/** Microseconds: a longer pause would be felt, and brings nothing. */
export const COALESCE_MAX = 1000;

/** Packets, and bytes, unless others are asked for. */
const [QUEUE_LENGTH, RECEIVE_BUFFER] = [1_048_576, 67_108_864];

const queueRange = z.union([z.int().min(0).max(65_535), z.string().regex(/^\d{1,5}(:\d{1,5})?$/)]);

const openOptions = z.strictObject({
  queues: queueRange,
  identification: z.enum(IDENTIFICATION_POLICIES).default('random'),
  gso: z.boolean().default(true),
  failOpen: z.boolean().default(true),
  neverLocal: z.boolean().default(false),
  companion: z.int().min(0).max(65_535).optional(),
  batch: z.int().min(1).max(BATCH_MAX).default(BATCH_MAX),
  coalesce: z.int().min(0).max(COALESCE_MAX).default(50),
  queueLength: z.int().min(1).max(0x7fff_ffff).default(QUEUE_LENGTH),
  receiveBuffer: z.int().min(65_536).max(0x4000_0000).default(RECEIVE_BUFFER),
  copyRange: z.int().min(20).max(COPY_RANGE_MAX).default(COPY_RANGE_MAX),
  fastPath: z.strictObject({ devices: z.array(z.string().regex(/^[^\s/]{1,15}$/)).min(1) }).optional(),
} satisfies Record<keyof OpenOptions, z.ZodType>) satisfies z.ZodType<unknown, OpenOptions>;

/**
 * Bytes of the receive buffer that a waiting packet takes at least (the kernel counts an skb and a
 * kmalloc-512 for the smallest, against twice what was asked for).
 */
const BYTES_WAITING_MIN = 256;

/** The accepted form of each option, for the person whose value was refused. */
const ACCEPTED: Record<string, string> = {
  queues: 'a queue number 0-65535 or a range FIRST:LAST',
  identification: IDENTIFICATION_POLICIES.join(', '),
  gso: 'true or false',
  failOpen: 'true or false',
  neverLocal: 'true or false',
  companion: 'a queue number 0-65535 outside the range',
  batch: `packets, 1-${BATCH_MAX}`,
  coalesce: `microseconds, 0-${COALESCE_MAX}; 0 for no pause`,
  queueLength: 'packets, 1-2147483647',
  receiveBuffer: 'bytes, 65536-1073741824',
  copyRange: `bytes, 20-${COPY_RANGE_MAX}`,
  fastPath: "devices by whose egress packets leave: { devices: ['gretap1'] }",
};

/** Options of {@link ClearDf.open}; docs/running.md explains them, as flags. */
export interface OpenOptions {
  /** A number, or `FIRST:LAST`. */
  queues: number | string;
  /** Default: `random`. */
  identification?: IdentificationPolicy | undefined;
  /** Take GSO packets whole. Default: true. */
  gso?: boolean | undefined;
  /** Let the kernel pass on unchanged what finds a queue full. Default: true. */
  failOpen?: boolean | undefined;
  /** The rules vouch that no packet of these queues is delivered to this host. Default: false. */
  neverLocal?: boolean | undefined;
  /** Queue for GSO packets that need segmenting. Default: a free one. */
  companion?: number | undefined;
  /** Packets taken and answered at once. Default: 64. */
  batch?: number | undefined;
  /** Longest pause to gather packets, in microseconds; 0 for none. Default: 50. */
  coalesce?: number | undefined;
  /** Packets that may wait in the kernel for a verdict. Default: 1048576. */
  queueLength?: number | undefined;
  /** Bytes of the netlink socket's receive buffer. Default: 67108864. */
  receiveBuffer?: number | undefined;
  /** Bytes of each packet that the kernel copies. Default: 65531, all. */
  copyRange?: number | undefined;
  /** Devices by whose egress packets leave, to be cleared in the kernel as well. */
  fastPath?: { devices: string[] } | undefined;
}

type Defaulted = Exclude<keyof OpenOptions, 'queues' | 'companion' | 'fastPath'>;
/** With every default filled in. */
type OpenSettings = Omit<OpenOptions, Defaulted | 'queues'> & {
  [Each in Defaulted]: NonNullable<OpenOptions[Each]>;
} & { first: number; last: number };

/**
 * Checks the options and fills in their defaults.
 * @throws ClearDfError USAGE
 */
export function parseOpenOptions(options: unknown): OpenSettings {
  const parsed = openOptions.safeParse(options);
  if (!parsed.success) throw optionError(parsed.error.issues[0], options, ACCEPTED, "{ queues: '0:3' }");
  const { queues, ...rest } = parsed.data;
  const { first, last } = parseQueueRange(String(queues), 'queues');
  const { companion } = rest;
  if (companion !== undefined && companion >= first && companion <= last) {
    throw usageError('companion', companion, ACCEPTED['companion'] as string);
  }
  refuseShortQueue('queueLength', rest);
  return { ...rest, first, last };
}

/**
 * A queue that fills before the receive buffer does would let packets by without a trace (loss.h).
 * @param where the length was given
 * @throws ClearDfError USAGE
 */
export function refuseShortQueue(
  where: string,
  {
    failOpen,
    queueLength = QUEUE_LENGTH,
    receiveBuffer = RECEIVE_BUFFER,
  }: { failOpen: boolean; queueLength?: number | undefined; receiveBuffer?: number | undefined },
): void {
  const shortest = Math.ceil(receiveBuffer / BYTES_WAITING_MIN);
  if (!failOpen || queueLength >= shortest) return;
  throw usageError(
    where,
    queueLength,
    `at least ${shortest} packets with fail-open and a receive buffer of ${receiveBuffer} bytes`,
    'make the receive buffer smaller, or turn fail-open off',
  );
}

/** The refusal of a policy that is set later. */
export function policyError(policy: unknown): ClearDfError {
  return usageError('identification', policy, ACCEPTED['identification'] as string);
}
