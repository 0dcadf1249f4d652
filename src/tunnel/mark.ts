/** Numbers that name things in the kernel's routing and IPsec: marks with their masks, and `if_id`. */
import type { Mark } from './site/site.js';

/** `0x66`, as `ip` prints it. */
export function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

/** `0x66/0xff` */
export function markText({ value, mask }: Mark): string {
  return `${hex(value)}/${hex(mask)}`;
}

export function sameMark(one: Mark | undefined, other: Mark | undefined): boolean {
  return one?.value === other?.value && one?.mask === other?.mask;
}
