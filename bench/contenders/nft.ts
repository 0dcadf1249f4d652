/** DF cleared by nft in the kernel. It cannot give an identification by 16 bits of randomness: what had 0 keeps it. */
import type { Contender } from './contender.js';

export const nft: Contender = { name: 'nft', rule: { kind: 'nft' }, clears: true, identifies: false };
