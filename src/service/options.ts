/**
 * Every option of `clear-df run` once, by the name that its flag and its key in the file share: how its text is
 * read. A flag and its key accept the same text; `option-table.ts` says which text that is.
 */
import { z } from 'zod';
import { type ClearDfError, missingError, usageError } from '../errors.js';
import { BACKEND_CHOICES } from '../host/firewall.js';
import { LOG_LEVELS } from '../log.js';
import { COPY_RANGE_MAX, IDENTIFICATION_POLICIES, parseQueueRange } from '../mangler.js';
import { DEFAULT_LISTEN, parseListen } from '../report/listen.js';
import { type Given, type GivenOptions, type OptionName, OPTIONS } from './option-table.js';
import { readRule } from './rule-options.js';

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

/** A number, or two with a colon, without leading zeros: some readers take those for octal. */
const PLAIN_RANGE = /^(0|[1-9]\d*)(:(0|[1-9]\d*))?$/;

const schema = z.strictObject({
  queue: z
    .string()
    .regex(PLAIN_RANGE)
    .pipe(readBy((text) => parseQueueRange(text))),
  identification: z.enum(IDENTIFICATION_POLICIES).default('random'),
  gso: z.enum(['auto', 'on', 'off']).default('auto'),
  'fail-open': truth.default(true),
  companion: whole(0, 65_535).optional(),
  'queue-length': whole(1, 0x7fff_ffff).optional(),
  'receive-buffer': whole(65_536, 0x4000_0000).optional(),
  'copy-range': whole(20, COPY_RANGE_MAX).optional(),
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
  bypass: truth.default(true),
  name: ruleText,
  backend: z.enum(BACKEND_CHOICES).default('auto'),
  metrics: readBy((text) => parseListen(text)).default(parseListen(DEFAULT_LISTEN)),
  stats: seconds.optional(),
  'log-level': z.enum(LOG_LEVELS).default('info'),
  'dry-run': truth.default(false),
} satisfies Record<OptionName, z.ZodType>);

type Read = z.output<typeof schema>;

/** The options of a run, read, with their defaults, and going together. */
export type ServiceOptions = Read & {
  /** The rule to install, when `install-rules` is on. */
  rule?: ReturnType<typeof readRule>;
  given: GivenOptions;
};

/**
 * Reads what was given. Pure: nothing is looked up on the machine.
 * @throws ClearDfError USAGE that names the flag or the place in the file, the value and the accepted form
 */
export function readOptions(given: GivenOptions): ServiceOptions {
  const texts = Object.fromEntries(Object.entries(given).map(([name, { text }]) => [name, text]));
  const read = schema.safeParse(texts);
  if (!read.success) throw refusal(given, read.error.issues[0]?.path[0] as OptionName);
  const options = read.data;
  const { queue, companion } = options;
  if (companion !== undefined && companion >= queue.first && companion <= queue.last) throw refusal(given, 'companion');
  if (given.companion !== undefined && options.gso === 'off') {
    throw usageError(given.companion.where, given.companion.text, 'it together with --gso auto or on');
  }
  refuseLoneRuleOptions(options, given);
  if (!options['install-rules']) return { ...options, given };
  return { ...options, given, rule: readRule(options, given) };
}

function refusal(given: GivenOptions, name: OptionName): ClearDfError {
  const { accepted } = OPTIONS[name];
  const found = given[name];
  if (found !== undefined) return usageError(found.where, found.text, accepted);
  return missingError(`--${name}`, accepted, `clear-df --${name} 0, or the key ${name} in the file of --config`);
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
