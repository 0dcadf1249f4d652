/** What a schema refuses of a YAML file, as a sentence with file, line, key, accepted form and reason. */
import type * as z from 'zod';
import { ClearDfError, shortened } from '../../errors.js';
import { nearest } from '../../net/nearest.js';
import { type LeafRefusal } from './values.js';
import type { YamlText, YamlValue } from './yaml.js';

/** Values are shown from here on only when they look like one. */
const NAME_LIKE = /^[\w.-]{1,31}$/;

/** What belongs where. */
interface Shape {
  /** The keys that the map at a path may have; undefined where no map belongs. */
  keysAt: (path: string) => readonly string[] | undefined;
  /** The accepted form where no text belongs: of lists, `a list of …`; undefined where a map belongs. */
  listAt: (path: string) => string | undefined;
}

/** The first thing that is wrong: a misspelt key before the one that is missing because of it. */
export function refusalOf(
  issues: readonly z.core.$ZodIssue[],
  yaml: YamlText,
  file: string,
  shape: Shape,
): ClearDfError {
  const issue = (issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]) as z.core.$ZodIssue;
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') return unknownKey(key, issue.keys[0] ?? '', yaml, file, shape);
  const given = textAt(yaml.value, key);
  const { accepted, what, because, hint, secret }: LeafRefusal =
    issue.code === 'custom' ? (issue.params as LeafRefusal) : { accepted: formAt(key, shape), secret: true };
  const line = yaml.lineOf(key) ?? 1;
  const object = `${file}:${line}${key === '' ? '' : ` ${key}`}`;
  const refused = what ?? (given === undefined ? undefined : shown(given, secret));
  const found = refused === undefined ? 'it is missing' : `${refused} is not accepted`;
  const reason = [found, because === undefined ? '' : `: ${because}`, `; expected ${accepted}`].join('');
  return new ClearDfError({ code: 'USAGE', operation: 'read', object, reason, hint });
}

function unknownKey(parent: string, name: string, yaml: YamlText, file: string, { keysAt }: Shape): ClearDfError {
  const known = keysAt(parent) ?? [];
  const meant = nearest(name, [...known]);
  const key = parent === '' ? name : `${parent}.${name}`;
  // A file that is given by mistake may hold secrets: what does not look like a key is not repeated.
  const named = NAME_LIKE.test(name) ? ` '${name}'` : '';
  return new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: `${file}:${yaml.lineOf(key) ?? 1}${parent === '' ? '' : ` ${parent}`}`,
    reason: `unknown key${named}; expected one of ${known.join(', ')}`,
    hint: meant === undefined ? undefined : `did you mean '${meant}'?`,
  });
}

function formAt(key: string, { keysAt, listAt }: Shape): string {
  return listAt(key) ?? `a map of KEY: VALUE with ${(keysAt(key) ?? []).join(', ')}`;
}

/** The value at a path. */
export function textAt(value: YamlValue, key: string): YamlValue | undefined {
  let at: YamlValue | undefined = value;
  for (const part of key === '' ? [] : key.split('.')) {
    if (typeof at !== 'object' || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, YamlValue>)[part];
  }
  return at;
}

function shown(given: YamlValue, secret: boolean | undefined): string {
  if (Array.isArray(given)) return given.length === 0 ? 'an empty list' : 'a list';
  if (typeof given === 'object') return 'a map';
  if (given === '') return "''";
  return secret ? 'its text (not repeated here)' : `'${shortened(given)}'`;
}
