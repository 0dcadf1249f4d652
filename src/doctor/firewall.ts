/** nft rules that spoil identification or fragments, and paths around the hooks. */
import { feedsOf } from './feed.js';
import { type Finding, checkOf } from './finding.js';
import { type Fix, replaceNft } from './fix.js';
import type { Machine } from './machine.js';
import { type NftRule, ipWrites, nftListing, placeOf } from './nft-listing.js';

/**
 * nft stores four bytes of a number in network order and writes the first two of them: what is below this gives 0, and
 * what counts upwards gives the same for this many packets in a row.
 */
const NUMGEN_TRAP = 65_536;
const SOUND = 'ip id set numgen random mod 4294967295';

export function examineFirewall(machine: Machine): Finding[] {
  const check = checkOf('firewall', 'nft-writes');
  const listing = nftListing(machine);
  if ('unknown' in listing) return [check.unread('nft rules', listing)];
  const writes = listing.known.rules.flatMap(writeFindings);
  const fine = check.ok('nft rules', 'none writes identification or fragment offset wrongly');
  return [...(writes.length > 0 ? writes : [fine]), ...flowtables(machine)];
}

function writeFindings(rule: NftRule): Finding[] {
  const check = checkOf('firewall', 'nft-writes');
  const what = `nft ${placeOf(rule)}`;
  return ipWrites(rule).flatMap(({ field, value }) => {
    const repeats = field === 'id' ? repetition(value) : undefined;
    if (repeats !== undefined) {
      const evidence = `${repeats}: fragments of different datagrams get mixed up`;
      return [check.wrong(what, evidence, mend(rule, /ip id set (numgen \w+ mod \d+( offset \d+)?|\w+)/, SOUND))];
    }
    if (field === 'frag-off' && typeof value === 'number' && (value & 0xbfff) === 0) {
      const evidence = `'ip frag-off set ${value}' wipes more-fragments and offset as well: fragments become garbage`;
      return [check.wrong(what, evidence, mend(rule, /ip frag-off set \S+/, 'ip frag-off set ip frag-off & 0xbfff'))];
    }
    return [];
  });
}

/** How identifications that are written so come again; undefined where they do not. */
function repetition(value: unknown): string | undefined {
  if (typeof value === 'number') return `'ip id set ${value}' writes the same into every packet`;
  const { mode, mod } = (value as { numgen?: { mode?: string; mod?: unknown } } | null)?.numgen ?? {};
  if (typeof mod !== 'number') return undefined;
  // nft's JSON has the upper half of the range below 0.
  const modulus = mod >>> 0;
  const words = `'ip id set numgen ${mode} mod ${modulus}'`;
  if (modulus <= NUMGEN_TRAP) return `${words} writes 0 into every packet`;
  return mode === 'inc' ? `${words} writes the same into ${NUMGEN_TRAP} packets in a row` : undefined;
}

/** The rule with the right words in place of the wrong ones. */
function mend(rule: NftRule, wrong: RegExp, right: string): { fix: Fix | string; hint?: string } {
  const { handle, text } = rule;
  const place = placeOf(rule);
  if (text === undefined || !wrong.test(text) || /['\\]/.test(text)) {
    return { fix: `nft delete rule ${place} handle ${handle}`, hint: `and add it again with '${right}'` };
  }
  return { fix: replaceNft(place, handle, text, text.replace(wrong, right)) };
}

/** Flows in a flowtable pass from ingress to egress; no rule of the ip family sees them any more. */
function flowtables(machine: Machine): Finding[] {
  const check = checkOf('firewall', 'flowtables');
  const listing = nftListing(machine);
  if ('unknown' in listing) return [];
  const { flowtables: tables } = listing.known;
  if (tables.length === 0) return [check.ok('flowtables', 'none')];
  const routed = feedsOf(machine).feeds.filter(({ sight }) => sight === 'other');
  return tables.map(({ family, table, name, devices }) => {
    const what = `flowtable ${family} ${table} ${name}`;
    const on = devices.length === 0 ? '' : ` on ${devices.join(', ')}`;
    const [feed] = routed;
    if (feed === undefined) return check.ok(what, `there${on}; no rule queues forwarded packets`);
    const evidence = `flows in it${on} bypass ${feed.backend} ${feed.chain} (${feed.rule})`;
    return check.wrong(what, evidence, { hint: `keep what is to be queued out of 'flow add @${name}'` });
  });
}
