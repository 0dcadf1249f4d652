/** Outer addresses that a site file leaves to be looked up: `remote: NAME`, names in `remotes`, `local: auto`. Pure. */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { siteError } from './error.js';
import type { Site } from './site.js';
import { parseYaml } from './yaml.js';

export interface OpenEnd {
  /** `local`, `remote`, `remotes.1` */
  key: string;
  /** `auto`, or a name. */
  value: string;
  /** Where it stands in the text. */
  from: number;
  to: number;
}

/** With a letter, and without what only addresses have (RFC 1123 §2.1). */
const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9.])?$/;

/** `local: auto`: the address that the router takes towards the other end. */
export const AUTO = 'auto';

/** Whether this is no address, but may be the name of a host. */
export function isHostName(text: string): boolean {
  return NAME.test(text) && text !== AUTO;
}

/**
 * An address of nobody (RFC 2544, RFC 5180), for all that does not depend on the one that is looked up.
 * @param number of the end, from 0; no two ends have one
 */
export function addressOfNobody(number: number, family: 4 | 6): string {
  const last = number + 1;
  return family === 6 ? `2001:2::${last.toString(16)}` : `198.18.${last >> 8}.${last & 255}`;
}

/**
 * Refuses a look-up where something else names addresses.
 * @param end where in the file, and what is to be looked up
 * @throws ClearDfError USAGE
 */
export function refuseOpenEnd(site: Site, { key, value }: Pick<OpenEnd, 'key' | 'value'>): void {
  const { carrier, tunnel } = site;
  const refuse = (what: string, hint: string): never => {
    throw siteError(site, key, `${value} is to be looked up, and ${what}`, `give the address, or ${hint}`);
  };
  if (carrier.type !== 'plain') {
    refuse(`carrier ${carrier.type} is made for addresses: its keys, policies and guards name them`, 'carrier: plain');
  }
  if (tunnel.type === 'l2tp' && tunnel.cookie !== undefined)
    refuse('a file of cookies has them by address', 'a tunnel without cookie');
}

/** @throws ClearDfError USAGE for what is not sound YAML */
export function openEnds(text: string, file: string): OpenEnd[] {
  const { root } = parseYaml(text, { file, secret: false });
  if (!isMap(root)) return [];
  return root.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    if (name === 'local') return endAt(name, value, (written) => written === AUTO);
    if (name === 'remote') return endAt(name, value, isHostName);
    if (name !== 'remotes' || !isSeq(value)) return [];
    return value.items.flatMap((item, i) => endAt(`remotes.${i}`, item, isHostName));
  });
}

function endAt(key: string, node: unknown, isOpen: (written: string) => boolean): OpenEnd[] {
  if (!isScalar(node)) return [];
  const { range, value } = node as Node & { value: unknown };
  if (range === undefined || range === null || typeof value !== 'string' || !isOpen(value)) return [];
  return [{ key, value, from: range[0], to: range[1] }];
}

/** The text with an address in the place of each. */
export function withEnds(text: string, ends: readonly OpenEnd[], addressOf: (end: OpenEnd) => string): string {
  return [...ends]
    .sort((a, b) => b.from - a.from)
    .reduce((left, end) => left.slice(0, end.from) + addressOf(end) + left.slice(end.to), text);
}
