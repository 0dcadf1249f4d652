/** What `nft -j list` prints, libnftables-json(5): the parts that are read here; everything else passes. */
import * as z from 'zod';

const place = { family: z.string(), table: z.string() };

const object = z.object({
  table: z.object({ family: z.string(), name: z.string() }).optional(),
  chain: z
    .object({ ...place, name: z.string().default(''), type: z.string().optional(), hook: z.string().optional() })
    .extend({ prio: z.number().optional(), policy: z.string().optional() })
    .optional(),
  rule: z
    // 0 is no rule's. A rule whose parts are not understood is a rule all the same.
    .object({ ...place, chain: z.string(), handle: z.number().default(0), comment: z.string().optional() })
    .extend({ expr: z.array(z.record(z.string(), z.unknown()).catch({})).catch([]) })
    .optional(),
  set: z.object(place).optional(),
  map: z.object(place).optional(),
  flowtable: z
    .object({ ...place, name: z.string(), dev: z.union([z.string(), z.array(z.string())]).optional() })
    .optional(),
});

/** A listing: one object in the order in which nft prints them. */
export const nftJson = z.object({
  // An object in another form is not ours: the rest is still read.
  nftables: z.array(object.catch({})),
});

/** @throws SyntaxError or ZodError when the text is no such listing */
export function readNftJson(text: string): z.output<typeof object>[] {
  return nftJson.parse(JSON.parse(text)).nftables;
}

/**
 * A table and what is in it, as one line that compares: `inet clear_df_a: output 2, mark_0a1b 0`, each chain with its
 * number of rules.
 */
export function tableLine(table: string, chains: ReadonlyMap<string, number>): string {
  return `${table}: ${[...chains]
    .map(([name, rules]) => `${name} ${rules}`)
    .sort()
    .join(', ')}`;
}

/** The line of a table of which all is listed. */
export function listedTableLine(table: string, listing: readonly z.output<typeof object>[]): string {
  const chains = new Map(listing.flatMap(({ chain }) => (chain === undefined ? [] : [[chain.name, 0]])));
  for (const { rule } of listing) if (rule !== undefined) chains.set(rule.chain, (chains.get(rule.chain) ?? 0) + 1);
  return tableLine(table, chains);
}
