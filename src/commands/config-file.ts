/** The YAML file of `--config`: read by line and column, so that a refusal says where. */
import { isAlias, isMap, isScalar, type Node, type YAMLMap } from 'yaml';
import { ClearDfError, shortened, usageError } from '../errors.js';
import { readTextFile, YAML_FILE } from '../host/text-file.js';
import { nearest } from '../net/nearest.js';
import { parseYaml } from '../tunnel/site/yaml.js';
import { FILE_KEYS, type Given, type GivenOptions, isOptionName, OPTIONS } from './option-table.js';

/**
 * The options that a file gives, each with its place (`FILE:LINE:COLUMN key`). Values are taken as they are
 * written, so a flag and its key accept the same text.
 * @throws ClearDfError USAGE when the file is missing, unreadable, too large, not YAML, or has an unknown key or a
 * value of another shape than text, number or true/false
 */
export function readConfigFile(file: string): GivenOptions {
  return parseConfigText(readTextFile(file, { object: `--config '${file}'`, accepted: YAML_FILE }), file);
}

/** {@link readConfigFile} without the file. */
export function parseConfigText(text: string, file: string): GivenOptions {
  const { root, placeOf: at } = parseYaml(text, { file, secret: true, columns: true });
  if (root === null || (isScalar(root) && root.value === null)) return {};
  if (!isMap(root)) {
    // Not its text: a file that is given by mistake may hold secrets.
    const found = isScalar(root) ? 'a text without a key' : shape(root);
    throw usageError(at(root.range?.[0]), found, 'options as KEY: VALUE, one a line', 'for example: queue: 0');
  }
  return readOptions(root, at);
}

function readOptions(root: YAMLMap, at: (offset: number | undefined) => string): GivenOptions {
  const given: GivenOptions = {};
  for (const { key, value } of root.items as { key: Node; value: Node | null }[]) {
    const place = at(key.range?.[0]);
    const name = isScalar(key) ? String(key.source ?? key.value) : shape(key);
    if (!isScalar(key) || !isOptionName(name) || !FILE_KEYS.includes(name)) throw unknownKey(place, name);
    const where = `${at(value?.range?.[0] ?? key.range?.[0])} ${name}`;
    given[name] = { text: textOf(value, where, OPTIONS[name].accepted), where } satisfies Given;
  }
  return given;
}

function unknownKey(place: string, name: string): ClearDfError {
  const meant = nearest(name, FILE_KEYS);
  const known = meant !== undefined || /^(<<|a list|a map|[a-z][a-z-]{0,15})$/.test(name);
  return new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: place,
    // A file that is given by mistake may hold secrets: what does not look like a key is not repeated.
    reason: `unknown key${known ? ` '${shortened(name)}'` : ''}; expected one of ${FILE_KEYS.join(', ')}`,
    hint: meant === undefined ? undefined : `did you mean '${meant}'?`,
  });
}

function textOf(value: Node | null, where: string, accepted: string): string {
  if (value === null || !isScalar(value)) throw usageError(where, value === null ? '' : shape(value), accepted);
  if (value.tag !== undefined || value.anchor !== undefined) {
    throw usageError(where, shape(value), `${accepted}, without a YAML tag or anchor`);
  }
  if (value.value === null) throw usageError(where, '', accepted);
  return typeof value.value === 'boolean' ? String(value.value) : (value.source ?? '');
}

function shape(node: Node): string {
  if (isAlias(node)) return 'an alias (*)';
  if (isMap(node)) return 'a map';
  if (isScalar(node)) return node.tag === undefined ? 'a text with an anchor (&)' : 'a text with a tag (!)';
  return 'a list';
}
