/** Outer addresses that a site file leaves to be looked up: `remote: NAME`, names in `remotes`, `local: auto`. Pure. */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
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

/** @throws ClearDfError USAGE for what is not sound YAML */
export function openEnds(text: string, file: string): OpenEnd[] {
  const { root } = parseYaml(text, { file, secret: false });
  if (!isMap(root)) return [];
  return root.items.flatMap(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    if (name === 'local') return endAt(name, value, (written) => written === 'auto');
    if (name === 'remote') return endAt(name, value, (written) => NAME.test(written));
    if (name !== 'remotes' || !isSeq(value)) return [];
    return value.items.flatMap((item, i) => endAt(`remotes.${i}`, item, (written) => NAME.test(written)));
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
