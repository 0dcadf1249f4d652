/**
 * Every option of `clear-df run` once, by the name that its flag and its key in the file share: how its text is
 * read. A flag and its key accept the same text; `option-table.ts` says which text that is.
 */
import * as z from 'zod';
import { ClearDfError, missingError, shortened, usageError } from '../errors.js';
import { BACKEND_CHOICES } from '../host/firewall.js';
import { LOG_FORMATS, LOG_LEVELS } from '../log.js';
import { BATCH_MAX, COALESCE_MAX, COPY_RANGE_MAX, IDENTIFICATION_POLICIES } from '../mangler.js';
import { refuseShortQueue } from '../mangler/options.js';
import { isDeviceName } from '../net/device.js';
import { nearest } from '../net/nearest.js';
import { parseQueueRange, type QueueRange, rangeText } from '../net/queue-range.js';
import { DEFAULT_LISTEN, parseListen } from '../report/listen.js';
import { type Given, type GivenOptions, type OptionName, OPTIONS } from './option-table.js';
import { instanceOf } from '../rules/instance.js';
import type { RuleSpec } from '../rules/spec.js';
import { readRule, type RuleOption } from './rule-options.js';

/** Text of a whole number from `min` to `max`, without sign, blanks, leading zeros or exponent. */
function whole(min: number, max: number) {
  return z
    .string()
    .regex(/^(0|[1-9]\d{0,14})$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

/** Text that another reader understands; what that throws for is refused. */
function readBy<T>(read: (text: string) => T) {
  return z.string().transform((text, context) => {
    try {
      return read(text);
    } catch {
      context.addIssue({ code: 'custom' });
      return z.NEVER;
    }
  });
}

const truth = z.enum(['true', 'false']).transform((text) => text === 'true');
const seconds = z
  .string()
  .regex(/^\d{1,5}(\.\d{1,3})?$/)
  .transform(Number)
  .pipe(z.number().min(0.1).max(86_400));
/** Read further by the rule's own schema, which knows what goes together. */
const ruleText = z.string().optional();

const schema = z.strictObject({
  queue: readBy((text) => parseQueueRange(text)),
  identification: z.enum(IDENTIFICATION_POLICIES).default('random'),
  gso: z.enum(['auto', 'on', 'off']).default('auto'),
  'fail-open': truth.default(true),
  companion: whole(0, 65_535).optional(),
  'queue-length': whole(1, 0x7fff_ffff).optional(),
  'receive-buffer': whole(65_536, 0x4000_0000).optional(),
  'copy-range': whole(20, COPY_RANGE_MAX).optional(),
  batch: whole(1, BATCH_MAX).optional(),
  coalesce: whole(0, COALESCE_MAX).optional(),
  'install-rules': truth.default(false),
  hook: ruleText,
  proto: ruleText,
  local: ruleText,
  remote: ruleText,
  'in-dev': ruleText,
  'out-dev': ruleText,
  'larger-than': ruleText,
  forwarded: truth.default(false),
  'include-quic': truth.default(false),
  fanout: ruleText,
  bypass: truth.default(true),
  name: ruleText,
  backend: z.enum(BACKEND_CHOICES).default('auto'),
  'fast-path': z.enum(['auto', 'off', 'require']).default('auto'),
  'fast-path-dev': z.string().refine(isDeviceName).optional(),
  metrics: readBy((text) => parseListen(text)).default(parseListen(DEFAULT_LISTEN)),
  stats: seconds.optional(),
  'log-level': z.enum(LOG_LEVELS).default('info'),
  'log-format': z.enum(LOG_FORMATS).default('auto'),
  'dry-run': truth.default(false),
} satisfies Record<OptionName, z.ZodType>);

type Read = z.output<typeof schema>;

/** The options of a run, read, with their defaults, and going together. */
export type ServiceOptions = Read & {
  /** The rules to install, all of one instance: one when flags or a file switch `install-rules` on, else none. */
  rules: RuleSpec[];
  given: GivenOptions;
  /** A program of the rules' name is kept by who made the rules, in code: not the run's to take away. */
  programElsewhere?: boolean;
};

/** What a program asks for that runs the service itself: each as the flag of its name takes it, but for these. */
type Asked = Partial<Record<Exclude<OptionName, RuleOption | 'queue' | 'install-rules'>, string | undefined>> & {
  queues: QueueRange;
  /** The rules to install, all of one instance and for these queues. */
  rules: readonly RuleSpec[];
};

/**
 * Reads what was given. Pure: nothing is looked up on the machine.
 * @throws ClearDfError USAGE that names the flag or the place in the file, the value and the accepted form
 */
export function readOptions(given: GivenOptions): ServiceOptions {
  try {
    return readGiven(given);
  } catch (error) {
    throw error instanceof ClearDfError ? withoutValue(error, given) : error;
  }
}

/** A file that is given by mistake may hold secrets: of what stands in one, only what looks like a slip is repeated. */
function withoutValue(error: ClearDfError, given: GivenOptions): ClearDfError {
  const found = Object.entries(given).find(([name, { where }]) => where === error.object && where.endsWith(` ${name}`));
  if (found === undefined) return error;
  const [name, { text }] = found as [OptionName, Given];
  const words = OPTIONS[name].accepted.match(/[a-z0-9-]+/g) ?? [];
  if (/^[\d.:]{0,21}$/.test(text) || nearest(text, words) !== undefined) return error;
  const reason = error.reason.replace(`'${shortened(text)}'`, 'its value (not repeated here)');
  return new ClearDfError({ ...error, reason, cause: undefined });
}

function readGiven(given: GivenOptions): ServiceOptions {
  const options = readTexts(given);
  refuseLoneRuleOptions(options, given);
  return { ...options, given, rules: options['install-rules'] ? [readRule(options, given)] : [] };
}

/**
 * The options of a run with rules that were made in code, where flags and file can ask for one rule only.
 * @throws ClearDfError USAGE that names the option, the value and the accepted form
 * @throws TypeError when the rules are not of one instance, or feed other queues
 */
export function optionsFor({ queues, rules, ...texts }: Asked): ServiceOptions {
  const queue = rangeText(queues);
  const instance = rules.length === 0 ? undefined : instanceOf(rules);
  if (instance !== undefined && rangeText(instance.queues) !== queue) {
    throw new TypeError(`rules of ${instance.name} feed queue ${rangeText(instance.queues)}, and ${queue} is bound`);
  }
  const own = instance === undefined ? {} : { 'install-rules': 'true', name: instance.name };
  const entries = Object.entries({ ...texts, ...own, queue }).filter(([, text]) => text !== undefined);
  const given = Object.fromEntries(entries.map(([name, text]) => [name, { text, where: name }])) as GivenOptions;
  return { ...readTexts(given), given, rules: [...rules] };
}

/** Checks each option alone, then the options of the queue against each other. */
function readTexts(given: GivenOptions): Read {
  const texts = Object.fromEntries(Object.entries(given).map(([name, { text }]) => [name, text]));
  const read = schema.safeParse(texts);
  if (!read.success) throw refusal(given, read.error.issues[0]?.path[0] as OptionName);
  const options = read.data;
  const { queue, companion } = options;
  if (companion !== undefined && companion >= queue.first && companion <= queue.last) throw refusal(given, 'companion');
  if (given.companion !== undefined && options.gso === 'off') {
    throw usageError(given.companion.where, given.companion.text, 'it together with --gso auto or on');
  }
  refuseShortQueue(given['queue-length']?.where ?? '--queue-length', {
    failOpen: options['fail-open'],
    queueLength: options['queue-length'],
    receiveBuffer: options['receive-buffer'],
  });
  refuseLoneFastPath(options, given);
  return options;
}

function refusal(given: GivenOptions, name: OptionName): ClearDfError {
  const { accepted } = OPTIONS[name];
  const found = given[name];
  if (found !== undefined) return usageError(found.where, found.text, accepted);
  return missingError(`--${name}`, accepted, `clear-df --${name} 0, or the key ${name} in the file of --config`);
}

/** What the fast path would have no device for, or two. */
function refuseLoneFastPath(options: Read, given: GivenOptions): void {
  const [mode, device] = [given['fast-path'], given['fast-path-dev']];
  if (device !== undefined && options['install-rules']) {
    throw usageError(
      device.where,
      device.text,
      'it without --install-rules',
      "with it, the rule's own device is taken",
    );
  }
  if (device !== undefined && options['fast-path'] === 'off') {
    throw usageError(device.where, device.text, 'it together with --fast-path auto or require');
  }
  if (mode !== undefined && options['fast-path'] === 'require' && device === undefined && !options['install-rules']) {
    throw usageError(mode.where, mode.text, 'it together with --install-rules or --fast-path-dev');
  }
}

/** An option that would quietly do nothing is refused. */
function refuseLoneRuleOptions(options: Read, given: GivenOptions): void {
  if (options['install-rules']) return;
  for (const [name, { text, where }] of Object.entries(given) as [OptionName, Given][]) {
    if (OPTIONS[name].group !== 'rules' || name === 'install-rules') continue;
    throw usageError(
      where,
      text,
      'it together with --install-rules',
      'rules of your own are kept as they are; clear-df rules install installs some without this process',
    );
  }
}
