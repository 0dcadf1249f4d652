/** No rule at all: what the router does anyway. */
import type { Contender } from './contender.js';

export const none: Contender = { name: 'none', rule: { kind: 'none' }, clears: false, identifies: false };
