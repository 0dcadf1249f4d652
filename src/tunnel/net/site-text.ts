/** A site file as text, as a person would write it. */
import { printable } from '../../errors.js';
import { baseOf } from '../../net/path.js';
import { siteSchema } from '../site/schema.js';
import type { YamlMap, YamlValue } from '../site/yaml.js';
import type { Net, NetEnd } from './net.js';

const WIDTH = 100;
/** Far below what is read as one line. */
const LIST_WIDTH = 1000;
/** Words that YAML and this project read as they stand. */
const PLAIN = /^[\w/.][\w/.@%=~^+-]*(?::[\w/.@%=~^+-]+|::[\w/.@%=~^+-]+)*$/;
const ORDER = Object.keys(siteSchema.shape);

/** The file of one end, with a first line by which it is known again. */
export function siteText({ name, file }: Pick<Net, 'name' | 'file'>, { site, value, others }: NetEnd): string {
  const keys = Object.keys(value).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const lines = keys.flatMap((key) => {
    const said = linesOf(key, value[key] ?? '', '');
    if (key !== 'remote' && key !== 'remotes') return said;
    const [first = '', ...items] = said;
    if (items.length === 0) return [`${first}  # ${others.join(', ')}`];
    return [first, ...items.map((item, i) => `${item}  # ${others[i]}`)];
  });
  return [
    `${firstLine(name, site)} Edit ${printable(baseOf(file))}, not this file.`,
    '# clear-df-site(5) has the keys.',
    ...lines,
    '',
  ].join('\n');
}

/** How the files begin that are written for this site of this net. */
function firstLine(net: string, site: string): string {
  return `# Site ${site} of net ${net}, written by clear-df net.`;
}

/** Whether a file is one of those of any site of this net. */
export function isOfNet(text: string, net: string): boolean {
  const [, named] = /^# Site [\w-]+ of net ([\w-]+), written by clear-df net\./.exec(text) ?? [];
  return named === net;
}

function linesOf(key: string, value: YamlValue, indent: string): string[] {
  const flow = `${indent}${key}: ${flowOf(value)}`;
  if (Array.isArray(value) && flow.length > LIST_WIDTH) {
    return [`${indent}${key}:`, ...value.map((item) => `${indent}  - ${flowOf(item)}`)];
  }
  if (flow.length <= WIDTH || !isMap(value)) return [flow];
  return [`${indent}${key}:`, ...Object.entries(value).flatMap(([name, inner]) => linesOf(name, inner, `${indent}  `))];
}

function flowOf(value: YamlValue): string {
  if (Array.isArray(value)) return `[${value.map(flowOf).join(', ')}]`;
  if (!isMap(value)) return PLAIN.test(value) ? value : JSON.stringify(value);
  const entries = Object.entries(value).map(([name, inner]) => `${name}: ${flowOf(inner)}`);
  return `{ ${entries.join(', ')} }`;
}

function isMap(value: YamlValue): value is YamlMap {
  return typeof value === 'object' && !Array.isArray(value);
}
