/**
 * The shape of a net's file: its own keys, and those of a site file, above for all sites and below `sites` for one. What
 * a site file says is judged by the site file's own schema, once it is put together.
 */
import * as z from 'zod';
import { INSTANCE_NAME_FORM, isInstanceName } from '../../rules/spec.js';
import { siteSchema } from '../site/schema.js';
import { endOrName, instance, leaf, type LeafRefusal, Refused, word } from '../site/values.js';

const SHAPES = ['mesh', 'hub', 'pair'] as const;
/** Who has a tunnel to whom: all to all, all to one, or two to each other. */
export type Shape = (typeof SHAPES)[number];

/** What `keys`, `psk` and `cookie` say where the file is to be made. */
export const MADE = 'auto';

const keyFolder = leaf('the name of a folder beside the site file', (text) => {
  const because = 'a router gets one folder, with all that is in it';
  if (text.startsWith('/')) return new Refused({ because, hint: 'key-folder: keys' });
  return /^\w[\w.-]{0,63}$/.test(text) ? text : new Refused();
});

/** Keys of a site file that follow from the others. */
const FOLLOWS = ['name', 'remote', 'remotes'];
const SITE_KEYS = Object.keys(siteSchema.shape).filter((key) => !FOLLOWS.includes(key));
const COMMON_KEYS = SITE_KEYS.filter((key) => key !== 'local');

/** Judged with the whole site file. */
const judgedLater = (keys: readonly string[]) =>
  Object.fromEntries(keys.map((key) => [key, z.unknown().optional()] as const));

const site = z.strictObject({
  ...judgedLater(COMMON_KEYS),
  local: endOrName.describe('outer address of this router, or its name: as the other sites reach it'),
});

const NAMED = `a map of sites by their names (${INSTANCE_NAME_FORM}), two at least: { north: { local: … }, … }`;

const sites = z
  .unknown()
  .transform((given, context): string[] => {
    const map = typeof given === 'object' && !Array.isArray(given) ? (given as Record<string, unknown>) : undefined;
    const names = Object.keys(map ?? {});
    const refuse = (path: string[], params: LeafRefusal) => {
      context.addIssue({ code: 'custom', path, params });
      return z.NEVER;
    };
    if (map === undefined || names.length < 2) return refuse([], { accepted: NAMED });
    const wrong = names.find((name) => !isInstanceName(name));
    if (wrong !== undefined) {
      const because = 'it is that of a folder, and stands in the names of tunnels';
      return refuse([wrong], { what: 'its name', accepted: INSTANCE_NAME_FORM, because });
    }
    for (const name of names) {
      const read = site.safeParse(map[name]);
      for (const issue of read.error?.issues ?? []) {
        context.issues.push({ ...issue, path: [name, ...issue.path], input: given } as z.core.$ZodRawIssue);
      }
    }
    return names;
  })
  .meta({ accepted: NAMED });

export const netSchema = z.strictObject({
  name: instance.optional().describe("the net's name; the file's without .yaml or .net.yaml unless given"),
  shape: word(SHAPES).describe(
    'who has a tunnel to whom; mesh: all to all others, in one VXLAN; hub: each to one; pair: two to each other',
  ),
  hub: instance.optional().describe('shape hub: the site that all tunnels lead to'),
  'key-folder': keyFolder
    .optional()
    .describe(`where key files are, whose name is ${MADE}; beside the site file unless given`),
  ...judgedLater(COMMON_KEYS),
  sites: sites.describe('the routers, and what only one of them says'),
});

/** The keys that belong to the net itself. */
export const NET_KEYS = ['name', 'shape', 'hub', 'key-folder', 'sites'] as const;

/** The keys that the map at a path may have, where this schema judges it. */
export function netKeysAt(path: string): readonly string[] | undefined {
  if (path === '') return Object.keys(netSchema.shape);
  return /^sites\.[^.]+$/.test(path) ? ['local', ...COMMON_KEYS] : undefined;
}
