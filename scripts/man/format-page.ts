/** The manual pages of the two files: what `run` takes, and what a tunnel is described by. */
import type * as z from 'zod';
import { FILES } from '../../src/cli/explain.js';
import { FILE_KEYS, type OptionName, optionInfo } from '../../src/commands/option-table.js';
import { rangeText } from '../../src/net/queue-range.js';
import { CARRIERS } from '../../src/tunnel/site/carriers.js';
import { NET_KEYS, netSchema } from '../../src/tunnel/net/schema.js';
import { siteSchema } from '../../src/tunnel/site/schema.js';
import type { Page } from './command-page.js';
import { head, list, literal, prose, seeAlso, word } from './mdoc.js';

/** `clear-df.yaml(5)` */
export function optionsPage(date: string): Page {
  const items = FILE_KEYS.map((name) => {
    const { help, accepted, defaultText, live } = optionInfo(name as OptionName);
    const parts = [
      // What the flag --no-fail-open does, the key does with false.
      ...(optionInfo(name as OptionName).flag.startsWith('--no-') ? [`false: ${help}.`] : [`${help}.`]),
      `Accepted: ${accepted}.`,
      ...(defaultText === undefined ? [] : [`Default: ${defaultText}.`]),
      ...(live ? [] : ['A change needs a new start.']),
    ];
    return [`Cm ${word(name)}`, prose(parts.map(capital).join(' '))] as const;
  });
  const text = [
    head('clear-df.yaml', 5, 'options of clear-df run', date),
    `.Sh DESCRIPTION\n${prose(
      `One key and its value a line, in YAML; each key is the name of a flag of clear-df run, and a flag outranks it.
      Unknown keys and values that are not accepted are refused with file, line and column. The signal HUP makes a run
      read the file again; it says what it could take, and what needs a new start.\n\nThe keys:`,
    )}`,
    list(items),
    `.Sh FILES\n${list([[`Pa ${FILES.options[0]}`, prose('Options of clear-df.service.')]])}`,
    `.Sh EXAMPLES\n${literal(
      ['queue: 0:3', 'install-rules: true', 'hook: bridge', 'out-dev: gretap1', 'metrics: 127.0.0.1:9857'].join('\n'),
    )}`,
    seeAlso(['clear-df(1)', 'clear-df-run(1)', 'clear-df-site(5)']),
  ];
  return { file: 'clear-df.yaml.5', text: `${text.join('\n')}\n` };
}

/** `clear-df-site(5)` */
export function sitePage(date: string, example: string): Page {
  const carriers = Object.entries(CARRIERS).map(([type, schema]) => {
    const { description = '' } = schema as { description?: string };
    const keys = keysOf(schema.in.shape, 'carrier.');
    const title = `.Ss ${word(`carrier ${type}`)}\n${prose(`${capital(description)}.`)}`;
    return keys.length === 0 ? title : `${title}\n${list(keys)}`;
  });
  const text = [
    head('clear-df-site', 5, 'one end of a bridged tunnel, as clear-df tunnel reads it', date),
    `.Sh DESCRIPTION\n${prose(
      `A file in YAML for each of the two routers; the other one's has local and remote exchanged. Unknown keys, doubtful
      values and contradictions are refused with file, line, key and accepted form, before anything on the machine
      changes.`,
    )}`,
    `.Ss Keys\n${list(keysOf(siteSchema.shape, ''))}`,
    ...carriers,
    `.Sh FILES\n${list([[`Pa ${FILES.site[0]}`, prose('Read by clear-df-tunnel@NAME.service.')]])}`,
    `.Sh EXAMPLES\n${literal(example.trimEnd())}`,
    seeAlso(['clear-df(1)', 'clear-df-tunnel(1)', 'clear-df-tunnel-up(1)', 'clear-df.yaml(5)', 'swanctl.conf(5)']),
  ];
  return { file: 'clear-df-site.5', text: `${text.join('\n')}\n` };
}

/** `clear-df-net(5)` */
export function netPage(date: string, example: string): Page {
  const own = Object.fromEntries(NET_KEYS.map((key) => [key, netSchema.shape[key]]));
  const text = [
    head('clear-df-net', 5, 'all sites of one Ethernet, as clear-df net reads them', date),
    `.Sh DESCRIPTION\n${prose(
      `A file in YAML. Beside the keys below it has those of clear-df-site(5) but name, remote and remotes, which follow:
      above for all sites, and in the map of a site for that one. A map of a site is laid over that above, key by key; one
      of another type takes its place. What both ends of a tunnel have to agree on may be said at either end, and of
      port and remote-port, peer-port, tunnel-id, session-id, local-id and the like the other end has the opposite.
      keys, psk and cookie are auto where clear-df net write is to make the file.`,
    )}`,
    `.Ss Keys\n${list(keysOf(own, ''))}`,
    `.Sh FILES\n${list([[`Pa ${FILES.net[0]}`, prose('Wherever it is looked after.')]])}`,
    `.Sh EXAMPLES\n${literal(example.trimEnd())}`,
    seeAlso(['clear-df(1)', 'clear-df-net(1)', 'clear-df-net-write(1)', 'clear-df-site(5)']),
  ];
  return { file: 'clear-df-net.5', text: `${text.join('\n')}\n` };
}

/** What one schema, and those that it wraps, say of a key. */
interface Said {
  about?: string | undefined;
  accepted?: string | undefined;
  initial?: string | undefined;
  needed: boolean;
  shape?: z.core.$ZodLooseShape;
  listed?: true;
}

function said(schema: z.core.$ZodType, before: Said = { needed: true }): Said {
  const { def } = schema._zod;
  const meta = (schema as z.ZodType).meta() as { accepted?: string; description?: string } | undefined;
  const now: Said = {
    ...before,
    about: before.about ?? meta?.description,
    accepted: before.accepted ?? meta?.accepted,
  };
  switch (def.type) {
    case 'default':
    case 'prefault': {
      const { innerType, defaultValue } = def as z.core.$ZodDefaultDef;
      return said(innerType, { ...now, needed: false, initial: valueText(defaultValue) });
    }
    case 'optional':
      return said((def as z.core.$ZodOptionalDef).innerType, { ...now, needed: false });
    case 'array':
      return said((def as z.core.$ZodArrayDef).element, { ...now, listed: true });
    case 'object':
      return { ...now, shape: (def as z.core.$ZodObjectDef).shape };
    default:
      return now;
  }
}

/** A default as it would stand in the file; undefined for a map, whose keys have defaults of their own. */
function valueText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('type' in value) return String(value.type);
  return 'first' in value && 'last' in value ? rangeText(value as { first: number; last: number }) : undefined;
}

function keysOf(shape: z.core.$ZodLooseShape, path: string): (readonly [string, string])[] {
  return Object.entries(shape).flatMap(([key, schema]): (readonly [string, string])[] => {
    const { about, accepted, initial, needed, shape: inside, listed } = said(schema as z.core.$ZodType);
    if (about === undefined && inside === undefined) throw new Error(`${path}${key} of a site file is not described`);
    const parts = [
      ...(about === undefined ? [] : [`${about}.`]),
      ...(accepted === undefined ? [] : [`Accepted: ${listed ? 'a list, each ' : ''}${accepted}.`]),
      ...(initial === undefined ? [] : [`Default: ${initial}.`]),
      ...(needed && inside === undefined ? ['It has to be there.'] : []),
    ];
    const own =
      parts.length === 0 ? [] : [[`Cm ${word(`${path}${key}`)}`, prose(parts.map(capital).join(' '))] as const];
    return [...own, ...(inside === undefined ? [] : keysOf(inside, `${path}${key}.`))];
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
