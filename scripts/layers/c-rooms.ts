/** The rooms of `csrc/`: which headers a file may include, and that no two files include each other in a circle. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { mayImport, type Violation } from './orders.js';

interface CFile {
  /** Path below the root, with `/`. */
  name: string;
  /** `local` ones are written with quotation marks. */
  includes: { line: number; header: string; local: boolean }[];
}

/** A file may include from its own room and from rooms to its left in one of these orders. */
const C_ORDERS = [
  ['clock', 'netlink', 'packet', 'queue', 'node'],
  ['clock', 'packet', 'probe', 'node'],
  ['clock', 'netlink', 'packet', 'fastpath', 'node'],
  ['clock', 'netlink', 'kernel', 'node'],
  ['clock', 'sender', 'node'],
];

/** The room that is the N-API boundary; all others are the C core. */
const BOUNDARY = 'node';

/** Headers that one side of the boundary must not know. */
const FOREIGN_HEADERS = [
  { boundary: false, header: /^(node|napi|uv|v8)[\w.-]*\.h$/, rule: 'C knows no Node' },
  {
    boundary: true,
    header: /^(libmnl|libnetfilter_queue|libnfnetlink|linux\/netlink|linux\/netfilter)/,
    rule: 'the boundary knows no netlink',
  },
];

const INCLUDE = /^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)/;

/** Every `.c`, `.cc` and `.h` file below `root`, and what is generated for one. */
export function readC(root: string): CFile[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(c|cc|h|inc)$/.test(name));
  return names.sort().map((name) => ({ name, includes: includesOf(readFileSync(path.join(root, name), 'utf8')) }));
}

function includesOf(text: string): CFile['includes'] {
  return text.split('\n').flatMap((content, i) => {
    const match = INCLUDE.exec(content);
    const header = match?.[1] ?? match?.[2];
    return header === undefined ? [] : [{ line: i + 1, header, local: match?.[1] !== undefined }];
  });
}

/** `queue` of `queue/loop.c`, `clock` of `clock.h`. */
function roomOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.\w+$/, '');
}

/** Where an include of `file` leads to: without a folder, to its own room. */
function targetOf(file: string, header: string, files: ReadonlySet<string>): string {
  const beside = path.posix.join(path.posix.dirname(file), header);
  return files.has(beside) ? beside : header;
}

/** Everything that is wrong with the C sources in `root`. */
export function checkC(root: string): Violation[] {
  const files = readC(root);
  const names = new Set(files.map(({ name }) => name));
  return [
    ...files.flatMap((file) => checkFile(file, names)),
    ...circles(files, names).map((circle) => ({
      where: `csrc/${circle[0] ?? ''}`,
      what: `includes itself through ${circle.slice(1).join(', ')}`,
      rule: 'no include circles',
    })),
  ];
}

function checkFile(file: CFile, names: ReadonlySet<string>): Violation[] {
  const room = roomOf(file.name);
  const at = (line: number) => `csrc/${file.name}:${line}`;
  if (!C_ORDERS.some((order) => order.includes(room))) {
    return [{ where: at(1), what: `room '${room}'`, rule: 'every room has its place in an order: add it to C_ORDERS' }];
  }
  return file.includes.flatMap(({ line, header, local }) => {
    const found: Violation[] = [];
    const what = `includes ${header}`;
    const to = roomOf(targetOf(file.name, header, names));
    if (local && !mayImport(C_ORDERS, room, to)) {
      found.push({ where: at(line), what, rule: `${to} is not to the left of ${room} in any order of csrc` });
    }
    for (const foreign of FOREIGN_HEADERS) {
      if ((room === BOUNDARY) === foreign.boundary && foreign.header.test(header)) {
        found.push({ where: at(line), what, rule: foreign.rule });
      }
    }
    return found;
  });
}

/** Circles of headers, and of a source file with the header of its own name: each once, closed by its first file. */
function circles(files: readonly CFile[], names: ReadonlySet<string>): string[][] {
  const unit = (name: string) => name.replace(/\.\w+$/, '');
  const needs = new Map<string, Set<string>>();
  for (const { name, includes } of files) {
    const own = needs.get(unit(name)) ?? new Set<string>();
    for (const { header, local } of includes) {
      const to = unit(targetOf(name, header, names));
      if (local && to !== unit(name)) own.add(to);
    }
    needs.set(unit(name), own);
  }
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (name: string, trail: string[]): void => {
    const start = trail.indexOf(name);
    if (start >= 0) found.push([...trail.slice(start), name]);
    if (start >= 0 || done.has(name)) return;
    for (const next of needs.get(name) ?? []) walk(next, [...trail, name]);
    done.add(name);
  };
  for (const name of needs.keys()) walk(name, []);
  return found;
}

/** Which rooms' headers each room includes. */
export function includesBetweenRooms(root: string): Map<string, Set<string>> {
  const files = readC(root);
  const names = new Set(files.map(({ name }) => name));
  const rooms = new Map<string, Set<string>>();
  for (const { name, includes } of files) {
    const room = roomOf(name);
    const own = rooms.get(room) ?? new Set<string>();
    rooms.set(room, own);
    for (const { header, local } of includes) {
      const to = roomOf(targetOf(name, header, names));
      if (local && to !== room) own.add(to);
    }
  }
  return rooms;
}
