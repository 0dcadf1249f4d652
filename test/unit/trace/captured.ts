/**
 * Traces of one ping as the article has it, captured in a guest on rA (test/helpers/article.ts draws the network): GRE
 * in ESP, transport mode; a rule of clear-df in iptables-nft's mangle table, a chain of its own and a rule that rejects
 * UDP in its filter table. `nflog-*` are of a second ping, of iptables-legacy's raw and filter tables.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { LegacyVisits } from '../../../src/trace/legacy-visits.js';
import { parseNflog } from '../../../src/trace/nflog.js';
import { HOOKS, PRIORITY } from '../../../src/trace/nft-marks.js';
import { NftVisits } from '../../../src/trace/nft-visits.js';
import { PcapStream } from '../../../src/trace/pcap-stream.js';
import { Rulebook } from '../../../src/trace/rulebook.js';
import type { ChainVisit } from '../../../src/trace/chain-visit.js';

export const KERNELS = ['5.10', '6.1', '6.12', '7.2'] as const;
export const FLOW = { from: '10.32.0.50', to: '10.32.0.111', protocol: undefined, port: undefined };
/** As the captured tables are called. */
const OWN = 'clear-df-trace-1-2';

function file(name: string): string {
  return readFileSync(path.join(import.meta.dirname, 'captured', name), 'utf8');
}

const QUEUE =
  '-A FORWARD -m physdev --physdev-out gretap1 --physdev-is-bridged -m u32 --u32 "0x4&0x4000=0x4000" ' +
  '-m comment --comment "clear-df:site-a" -j NFQUEUE --queue-num 0 --queue-bypass';

const rule = (table: string, chain: string, handle: number, expr: object[]) => ({
  rule: { family: 'ip', table, chain, handle, expr },
});
const chain = (family: string, table: string, name: string, hook?: string, prio?: number) => ({
  chain: { family, table, name, ...(hook === undefined ? {} : { type: 'filter', hook, prio, policy: 'accept' }) },
});

/** What stood in the tables. */
export function rulebook(policy = 'ACCEPT'): Rulebook {
  const nftables = [
    ...['bridge', 'ip'].flatMap((family) => HOOKS.map((hook) => chain(family, OWN, hook, hook, PRIORITY))),
    ...[chain('ip', 'mangle', 'FORWARD', 'forward', -150), chain('ip', 'filter', 'FORWARD', 'forward', 0)],
    chain('ip', 'filter', 'foo'),
    rule('mangle', 'FORWARD', 2, [{ xt: { type: 'match', name: 'physdev' } }]),
    rule('filter', 'FORWARD', 4, [{ jump: { target: 'foo' } }]),
    rule('filter', 'FORWARD', 5, [{ reject: {} }]),
  ];
  const policies = ['INPUT', 'FORWARD', 'OUTPUT'].map((name) => `:${name} ${policy} [0:0]`);
  return new Rulebook({
    nftJson: JSON.stringify({ nftables }),
    nftSave: ['*mangle', QUEUE, 'COMMIT', ''].join('\n'),
    legacySave: ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', '*filter', ...policies, ''].join('\n'),
  });
}

export function nftVisits(name: string, book = rulebook()): readonly ChainVisit[] {
  const visits = new NftVisits(book, OWN);
  for (const line of file(`nft-${name}.txt`).split('\n')) visits.push(line);
  return visits.visits;
}

export function legacyVisits(kernel: string, book = rulebook()): readonly ChainVisit[] {
  const visits = new LegacyVisits(book, (device) => `device${device}`);
  const stream = new PcapStream();
  const bytes = Buffer.from(file(`nflog-${kernel}.b64`), 'base64');
  // In pieces that end anywhere.
  for (let at = 0; at < bytes.length; at += 100) {
    for (const packet of stream.push(bytes.subarray(at, at + 100))) {
      const event = parseNflog(packet);
      if (event !== undefined) visits.push(event);
    }
  }
  return visits.visits;
}
