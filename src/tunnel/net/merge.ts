/** From a net's file to the values of one site file, each with the place that it comes from. */
import type { YamlMap, YamlText, YamlValue } from '../site/yaml.js';

/** A text or list, and its path in the net's file. */
interface Leaf {
  value: string | YamlValue[];
  at: string;
  /** Of each item of a list that stands in no one place. */
  items?: readonly string[];
}

/** Leaves by their paths in a site file: `tunnel.key`. */
export type Leaves = ReadonlyMap<string, Leaf>;

/** Maps whose keys depend on their `type`. */
const TYPED = ['tunnel', 'carrier'];

/**
 * The leaves of a map.
 * @param at path of the map in the net's file
 * @param without keys that are none of a site file
 */
export function leavesOf(map: YamlMap, at: string, without: readonly string[] = []): Leaves {
  const leaves = new Map<string, Leaf>();
  const walk = (value: YamlValue, path: string): void => {
    const place = at === '' ? path : `${at}.${path}`;
    if (typeof value !== 'object' || Array.isArray(value)) {
      // `carrier: esp` is short for `carrier: { type: esp }`.
      leaves.set(path === 'carrier' && typeof value === 'string' ? 'carrier.type' : path, { value, at: place });
      return;
    }
    for (const [key, inside] of Object.entries(value)) walk(inside, `${path}.${key}`);
  };
  for (const [key, value] of Object.entries(map)) if (!without.includes(key)) walk(value, key);
  return leaves;
}

/** The text at a path; undefined where there is none, or a list. */
export function textIn(leaves: Leaves, path: string): string | undefined {
  const value = leaves.get(path)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The upper leaves over the lower ones. A map of another type takes the place of the whole lower one. */
export function layered(lower: Leaves, upper: Leaves): Leaves {
  const gone = TYPED.filter((map) => {
    const [below, above] = [lower, upper].map((leaves) => leaves.get(`${map}.type`)?.value);
    return below !== undefined && above !== undefined && below !== above;
  });
  const covers = (path: string) =>
    gone.some((map) => path.startsWith(`${map}.`)) ||
    [...upper.keys()].some((other) => other.startsWith(`${path}.`) || path.startsWith(`${other}.`));
  return new Map([...[...lower].filter(([path]) => !covers(path)), ...upper]);
}

/** Some more of them, which follow from other values. */
export function withLeaves(leaves: Leaves, more: Record<string, Leaf>): Leaves {
  return new Map([...leaves, ...Object.entries(more)]);
}

/**
 * The values as a file would have them; a line is that of the net's file.
 * @param home path of the site, where a value stands that nobody has written
 */
export function yamlOf(leaves: Leaves, home: string, source: YamlText): YamlText {
  const value = Object.create(null) as YamlMap;
  for (const [path, leaf] of leaves) {
    const parts = path.split('.');
    const name = parts.pop() ?? path;
    let map = value;
    // A text in the place of a map, as in `tunnel: gretap`, stays what it is, and is refused with the site.
    if (parts.some((_, i) => leaves.has(parts.slice(0, i + 1).join('.')))) continue;
    for (const part of parts) map = (map[part] ??= Object.create(null) as YamlMap) as YamlMap;
    map[name] = leaf.value;
  }
  const lineOf = (path: string): number | undefined => {
    for (let rest = path; rest !== ''; rest = rest.slice(0, Math.max(0, rest.lastIndexOf('.')))) {
      const leaf = leaves.get(rest) ?? firstBelow(leaves, rest);
      // An item of a list stands where the list is written, if it is written there.
      if (leaf === undefined) continue;
      const below = path.slice(rest.length);
      return source.lineOf(leaf.items?.[Number(below.slice(1))] ?? `${leaf.at}${below}`);
    }
    return source.lineOf(home);
  };
  return { value, lineOf };
}

function firstBelow(leaves: Leaves, map: string): Leaf | undefined {
  return [...leaves].find(([path]) => path.startsWith(`${map}.`))?.[1];
}
