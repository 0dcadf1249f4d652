/** What a device is, in words. */
import type { Link } from './facts.js';

export function kindText({ kind }: Pick<Link, 'kind'>): string {
  return kind === undefined ? 'a hardware device' : `a device of kind ${kind}`;
}
