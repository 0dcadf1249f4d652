/**
 * Whether nft may write the field that holds DF. From some kernel between 6.18 and 7.2 on such a rule loads, lists and
 * matches, and stops at the write; so one datagram is sent over `lo` and counted behind the rule.
 */
import { ClearDfError } from '../../errors.js';
import { isSingle, PART } from '../../native/single.js';
import type { ProbeContext, Finding } from './context.js';

const PORT = 9;

const RULESET = `table ip clear_df_probe {
  chain output {
    type filter hook output priority 0; policy accept;
    udp dport ${PORT} ip frag-off & 0x4000 != 0 counter comment "before"
    udp dport ${PORT} ip frag-off set ip frag-off & 0xbfff
    udp dport ${PORT} ip frag-off & 0x4000 == 0 counter comment "after"
  }
}
`;

/** Linux sends a datagram with DF set by default, and a namespace takes over what the first one has. */
export const SEND = `
require('fs').writeFileSync('/proc/sys/net/ipv4/ip_no_pmtu_disc', '0');
const socket = require('dgram').createSocket('udp4');
socket.send('x', ${PORT}, '127.0.0.1', () => socket.close());
`;

export async function probeNftClearsDf({ namespace, reason }: ProbeContext): Promise<Finding> {
  if (namespace === undefined) return { answer: 'unknown', evidence: reason };
  try {
    await namespace.run('nft', ['-f', '-'], RULESET);
  } catch (error) {
    return { answer: 'unknown', evidence: `the rule could not be tried: ${wordsOf(error)}` };
  }
  try {
    await namespace.run('ip', ['link', 'set', 'lo', 'up']);
    await namespace.run(process.execPath, isSingle() ? [PART, 'datagram'] : ['-e', SEND]);
    return judge(await namespace.run('nft', ['list', 'table', 'ip', 'clear_df_probe']));
  } catch (error) {
    return { answer: 'unknown', evidence: `no datagram could be sent through the rule: ${wordsOf(error)}` };
  }
}

/** @param listing the table as nft prints it */
export function judge(listing: string): Finding {
  const count = (comment: string) =>
    Number(new RegExp(`packets (\\d+) bytes \\d+ comment "${comment}"`).exec(listing)?.[1] ?? 0);
  const [before, after] = [count('before'), count('after')];
  if (before === 0) return { answer: 'unknown', evidence: 'no datagram with DF came by the rule that was tried' };
  const evidence = `datagrams with DF that came to the rule: ${before}; without DF that left it: ${after}`;
  return { answer: after > 0 ? 'yes' : 'no', evidence };
}

function wordsOf(error: unknown): string {
  if (error instanceof ClearDfError) return error.reason;
  throw error;
}
