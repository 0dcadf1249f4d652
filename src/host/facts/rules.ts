/** The rules of the routing policy. */
import type { PolicyRule } from '../../tunnel/facts.js';
import type { Runner } from '../exec.js';
import { listing } from './routes.js';

/** In order of preference, IPv4 before IPv6. */
export async function readRules(runner: Runner): Promise<PolicyRule[]> {
  const [four, six] = await Promise.all((['-4', '-6'] as const).map((one) => listing(runner, [one, 'rule', 'show'])));
  return [...parseRules(four ?? '', 4), ...parseRules(six ?? '', 6)];
}

/** What `ip rule show` printed: `100: not from all fwmark 0x66/0x66 lookup 50`. */
export function parseRules(text: string, family: 4 | 6): PolicyRule[] {
  return text.split('\n').flatMap((line) => {
    const [, preference, words = ''] = /^(\d+):\s+(.*)$/.exec(line.trim()) ?? [];
    if (preference === undefined) return [];
    return [{ family, preference: Number(preference), words: words.split(/\s+/).filter(Boolean) }];
  });
}
