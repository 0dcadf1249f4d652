/**
 * YAML as plain texts, each with its line: values are taken as they are written, so that a file and a flag accept the
 * same text, and nothing is octal, base 60 or a date unasked.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { ClearDfError, shortened } from '../../errors.js';

/** Keys, items, brackets and lines together; a site file has some dozens. */
const MARKS_MAX = 2000;
const LINE_MAX = 4096;

/** Characters that make YAML a structure; one in a comment or in a text counts as well. */
const MARKS = new Set([...'[]{},:?-&*!|>\n'].map((character) => character.charCodeAt(0)));
const HASH = '#'.charCodeAt(0);
const NEWLINE = '\n'.charCodeAt(0);

/** A map, a list, or a text; an empty value is the empty text. */
export type YamlValue = string | YamlValue[] | YamlMap;
export interface YamlMap {
  [key: string]: YamlValue;
}

export interface YamlText {
  value: YamlValue;
  /** Line of a value by its path (`bridge.ports.1`); that of the map or list around it when it is not there. */
  lineOf: (path: string) => number | undefined;
}

interface WrittenYaml extends YamlText {
  /** Keys of the map at a path, in the order in which they are written: an object has those that are numbers first. */
  keysOf: (path: string) => readonly string[];
}

/** What is read, for messages. */
interface YamlSource {
  file: string;
  /** It may hold keys: nothing of it is repeated. */
  secret: boolean;
  /** Places are `FILE:LINE:COLUMN`; otherwise `FILE:LINE`. */
  columns?: boolean;
}

/** One document as the parser has it. */
interface YamlDocument {
  root: Node | null;
  lineAt: (offset: number | undefined) => number;
  /** `FILE:LINE` */
  placeOf: (offset: number | undefined) => string;
}

/**
 * Parses one document.
 * @throws ClearDfError USAGE with its place for what no person writes and for what is not sound YAML, a second document,
 * a key given twice
 */
export function parseYaml(text: string, { file, secret, columns = false }: YamlSource): YamlDocument {
  const counter = new LineCounter();
  const lineAt = (offset: number | undefined) => counter.linePos(offset ?? 0).line || 1;
  const placeOf = (offset: number | undefined) =>
    `${file}:${lineAt(offset)}${columns ? `:${counter.linePos(offset ?? 0).col}` : ''}`;
  const excess = yamlExcess(text);
  if (excess !== undefined) throw refusal(`${file}:${excess.line}`, excess.reason);
  const document = parse(text, counter, file);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem === undefined) return { root: document.contents, lineAt, placeOf };
  const detail = secret ? '' : `: ${shortened(problem.message)}`;
  const reason =
    problem.code === 'MULTIPLE_DOCS'
      ? 'a second YAML document begins; expected one'
      : problem.code === 'DUPLICATE_KEY'
        ? 'this key is given twice; expected each key once'
        : `not sound YAML${detail}; expected KEY: VALUE`;
  throw refusal(placeOf(problem.pos[0]), reason);
}

/**
 * Reads one document of maps, lists and texts.
 * @throws ClearDfError as {@link parseYaml}, and for tags, anchors and aliases
 */
export function readYaml(text: string, source: YamlSource): WrittenYaml {
  const lines = new Map<string, number>();
  const keys = new Map<string, string[]>();
  const { root, lineAt, placeOf } = parseYaml(text, source);
  const refuse: Refuse = (offset, reason) => {
    throw refusal(placeOf(offset), reason);
  };
  const walk = (node: Node | null, path: string, offset: number | undefined): YamlValue => {
    const start = node?.range?.[0] ?? offset;
    if (!lines.has(path)) lines.set(path, lineAt(start));
    if (node === null) return '';
    if (isAlias(node)) return refuse(start, 'an alias (*) is used here; expected the value itself');
    if (node.tag !== undefined) return refuse(start, 'a YAML tag (!) is used here; expected the value alone');
    if (node.anchor !== undefined) return refuse(start, 'an anchor (&) is used here; expected the value alone');
    if (isScalar(node)) return textOf(node.value, node.source);
    if (isSeq(node)) return node.items.map((item, i) => walk(item as Node | null, under(path, String(i)), start));
    if (!isMap(node)) return refuse(start, 'it is neither a map, a list nor a text');
    const map: YamlMap = Object.create(null) as YamlMap;
    const names: string[] = [];
    keys.set(path, names);
    for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
      const name = keyOf(key, refuse);
      const place = under(path, name);
      names.push(name);
      // The key's line: a map or list may begin on the next one.
      lines.set(place, lineAt(key.range?.[0]));
      map[name] = walk(value, place, key.range?.[0]);
    }
    return map;
  };
  const value = walk(root, '', 0);
  return { value, keysOf: (path) => keys.get(path) ?? [], lineOf: (path) => nearestLine(lines, path) };
}

function refusal(object: string, reason: string): ClearDfError {
  return new ClearDfError({ code: 'USAGE', operation: 'read', object, reason });
}

type Refuse = (offset: number | undefined, reason: string) => never;

function parse(text: string, lineCounter: LineCounter, file: string): Document {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, merge: false });
  } catch {
    // The parser calls itself for every level.
    throw refusal(`${file}:1`, 'not sound YAML: it is nested too deeply; expected KEY: VALUE');
  }
}

function keyOf(key: Node | null, refuse: Refuse): string {
  if (key !== null && isScalar(key) && key.tag === undefined && key.anchor === undefined) {
    const name = String(key.source ?? key.value);
    if (name !== '') return name;
  }
  return refuse(key?.range?.[0], 'a key that is no plain word is used here; expected KEY: VALUE');
}

function textOf(value: unknown, source: string | undefined): string {
  if (value === null) return '';
  return typeof value === 'boolean' ? String(value) : (source ?? '');
}

function under(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function nearestLine(lines: ReadonlyMap<string, number>, path: string): number | undefined {
  for (let rest = path; rest !== ''; rest = rest.slice(0, Math.max(0, rest.lastIndexOf('.')))) {
    const line = lines.get(rest);
    if (line !== undefined) return line;
  }
  return undefined;
}

/**
 * Where a text becomes too much, and why; undefined when it is not. What no person writes is refused before it is parsed:
 * the parser takes time with the square of keys and of levels, and runs in the process that clears packets. Lines of
 * comment do not count.
 */
function yamlExcess(text: string): { line: number; reason: string } | undefined {
  let marks = 0;
  let line = 1;
  for (let start = 0; start < text.length; line += 1) {
    const end = text.indexOf('\n', start) < 0 ? text.length : text.indexOf('\n', start);
    if (end - start > LINE_MAX) {
      return { line, reason: `this line has ${end - start} characters; expected at most ${LINE_MAX}` };
    }
    let first = start;
    while (first < end && text[first] === ' ') first += 1;
    if (text.charCodeAt(first) !== HASH && text.charCodeAt(first) !== NEWLINE) {
      for (let at = first; at <= end; at += 1) if (MARKS.has(text.charCodeAt(at))) marks += 1;
      if (marks > MARKS_MAX) {
        return {
          line,
          reason: `it has more keys, items and levels than a person writes; expected at most ${MARKS_MAX}`,
        };
      }
    }
    start = end + 1;
  }
  return undefined;
}
