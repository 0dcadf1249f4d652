/** What a net's file says, before it is put together; and refusals of it. */
import { ClearDfError } from '../../errors.js';
import { nameOfFile } from '../site-file.js';
import { siteError } from '../site/error.js';
import { refusalOf } from '../site/refusal.js';
import { listAt } from '../site/schema.js';
import { readYaml, type YamlMap, type YamlText } from '../site/yaml.js';
import { type Leaves, leavesOf, textIn } from './merge.js';
import { NET_KEYS, netKeysAt, netSchema, type Shape } from './schema.js';

export interface Said {
  /** As it was given. */
  file: string;
  name: string;
  shape: Shape;
  hub: string | undefined;
  /** Folder of key files, with a slash behind it; '' for none. */
  keys: string;
  sites: readonly string[];
  /** For all sites, and for one. */
  common: Leaves;
  own: (site: string) => Leaves;
  yaml: YamlText;
}

/** `office.net.yaml`: beside it on a router `office.yaml` is a site file. */
const ENDING = /(\.net)?\.ya?ml$/;

/** @throws ClearDfError USAGE for what the net's own schema refuses */
export function readSaid(text: string, file: string): Said {
  const yaml = readYaml(text, { file, secret: false });
  const found = netSchema.safeParse(yaml.value === '' ? {} : yaml.value);
  if (!found.success) throw refusalOf(found.error.issues, yaml, file, { keysAt: netKeysAt, listAt });
  const { name = nameOfFile(file, ENDING, 'office'), shape, hub, 'key-folder': folder } = found.data;
  const sites = yaml.keysOf('sites');
  const root = yaml.value as YamlMap;
  const maps = root['sites'] as YamlMap;
  const own = new Map(sites.map((site) => [site, leavesOf(maps[site] as YamlMap, `sites.${site}`)]));
  return {
    ...{ file, name, shape, hub, sites, yaml },
    keys: folder === undefined ? '' : `${folder}/`,
    common: leavesOf(root, '', NET_KEYS),
    own: (site) => own.get(site) ?? new Map(),
  };
}

/** Outer address of a site, or its name: as the other sites reach it. */
export function reachedAs({ own }: Pick<Said, 'own'>, site: string): string {
  return textIn(own(site), 'local') ?? '';
}

/** @throws ClearDfError USAGE with the place of a key of the net's file */
export function refuseAt(
  { file, yaml }: Pick<Said, 'file' | 'yaml'>,
  key: string,
  reason: string,
  hint?: string,
): never {
  throw siteError({ place: (path) => `${file}:${yaml.lineOf(path) ?? 1}` }, key, reason, hint);
}

/** What a refusal is of: the same line may count for several sites. */
export function inSite<T>(site: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!ClearDfError.is(error)) throw error;
    const { operation, reason, hint, code } = error;
    throw new ClearDfError({ code, operation, object: `${error.object} (site ${site})`, reason, hint, cause: error });
  }
}
