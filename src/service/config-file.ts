/** The YAML file of `--config`: read by line and column, so that a refusal says where. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Document, isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { ClearDfError, shortened, usageError } from '../errors.js';
import { nearest } from './nearest.js';
import { FILE_KEYS, type Given, type GivenOptions, isOptionName, OPTIONS } from './option-table.js';

/** A file beyond this many bytes is not a configuration. */
export const CONFIG_FILE_MAX = 1_048_576;

/**
 * The options that a file gives, each with its place (`FILE:LINE:COLUMN key`). Values are taken as they are
 * written, so a flag and its key accept the same text.
 * @throws ClearDfError USAGE when the file is missing, unreadable, too large, not YAML, or has an unknown key or a
 * value of another shape than text, number or true/false
 */
export function readConfigFile(file: string): GivenOptions {
  return parseConfigText(readText(file), file);
}

function readText(file: string): string {
  const accepted = 'a readable YAML file of at most 1 MiB';
  try {
    const text = readBytes(file, accepted);
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch (error) {
    if (error instanceof ClearDfError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a directory',
      EACCES: 'it may not be read by this user',
      EAGAIN: 'reading it would wait for data',
      ENOTDIR: 'a part of the path is not a directory',
      ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
    };
    const known = code !== undefined && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
    throw fileError(file, `${reasons[code ?? ''] ?? 'it cannot be read'}; expected ${accepted}`, known, error);
  }
}

/** What `/proc` has calls itself a regular file of 0 bytes, and may have no end, or none yet: nothing here waits. */
function readBytes(file: string, accepted: string): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(descriptor);
    // A pipe or device has no end that is known, and cannot be read again on HUP.
    if (!stat.isFile() && !stat.isDirectory()) throw fileError(file, `it is not a regular file; expected ${accepted}`);
    if (stat.size > CONFIG_FILE_MAX) throw fileError(file, `it has ${stat.size} bytes; expected ${accepted}`);
    const bytes = Buffer.alloc(CONFIG_FILE_MAX + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    if (length > CONFIG_FILE_MAX) throw fileError(file, `it has more than 1 MiB; expected ${accepted}`);
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function fileError(file: string, reason: string, errno?: string, cause?: unknown): ClearDfError {
  return new ClearDfError({ code: 'USAGE', operation: 'read', object: `--config '${file}'`, reason, errno, cause });
}

/** {@link readConfigFile} without the file. */
export function parseConfigText(text: string, file: string): GivenOptions {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: false });
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  refuseBroken(document, at);
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return {};
  if (!isMap(root)) {
    // Not its text: a file that is given by mistake may hold secrets.
    const found = isScalar(root) ? 'a text without a key' : shape(root);
    throw usageError(at(root.range?.[0]), found, 'options as KEY: VALUE, one a line', 'for example: queue: 0');
  }
  return readOptions(root, at);
}

function refuseBroken(document: Document, at: (offset: number) => string): void {
  const [problem] = [...document.errors, ...document.warnings];
  if (problem === undefined) return;
  const several = problem.code === 'MULTIPLE_DOCS';
  throw new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: at(problem.pos[0]),
    reason:
      problem.code === 'DUPLICATE_KEY'
        ? 'this key is given twice; expected each key once'
        : several
          ? 'a second YAML document begins; expected one'
          : `not sound YAML: ${shortened(problem.message)}; expected KEY: VALUE`,
    cause: problem,
  });
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
  return new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: place,
    // A file that is given by mistake may hold secrets: what does not look like a key is not repeated.
    reason: `unknown key${/^[^:]{1,40}$/.test(name) ? ` '${shortened(name)}'` : ''}; expected one of ${FILE_KEYS.join(', ')}`,
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
  if (isAlias(node)) return `*${node.source}`;
  if (isMap(node)) return 'a map';
  if (isScalar(node)) return `${node.tag ?? `&${node.anchor ?? ''}`} ${node.source ?? ''}`;
  return 'a list';
}
