/** The single things that `up` has made on a router: taken away one by one, made again, and what left meanwhile. */
import { expect } from 'vitest';
import { parseKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Item } from '../../src/tunnel/item.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { facts as sample } from '../unit/tunnel-samples.js';
import type { Namespace } from './netns.js';
import type { TunnelEnd } from './tunnel.js';

/** Everything of the plan that `up` has to make, as this process plans it. */
export async function itemsOf(
  { at, file }: TunnelEnd,
  machine: Partial<Facts> = {},
): Promise<{ items: Item[]; facts: Facts }> {
  const facts = sample({
    modules: new Set(['ip_gre', 'ip_vti', 'xfrm_interface', 'l2tp_eth', 'l2tp_ip', 'vxlan']),
    ...machine,
  });
  const site = parseSite(await at.read(file), file);
  const { carrier } = site;
  const keys =
    'keys' in carrier ? parseKeys(await at.read(carrier.keys), carrier.keys, { ...site, carrier }) : undefined;
  const items = planTunnel(site, facts, keys).items.filter((item) => item.status(facts).state !== 'in-sync');
  return { items, facts };
}

/** How one thing is taken away. */
export function taking(item: Item, facts: Facts): string[][] {
  const { kind, key } = item;
  const commands = item.undo(facts).map(({ argv }) => [...argv]);
  if (commands.length > 0) return commands;
  const name = key.split(' ')[1] ?? '';
  switch (kind) {
    case 'up':
      return [['ip', 'link', 'set', 'dev', name, 'down']];
    case 'mtu':
      return [['ip', 'link', 'set', 'dev', name, 'mtu', '1300']];
    case 'port':
      return [['ip', 'link', 'set', 'dev', name, 'nomaster']];
    case 'sysctl':
      return item.apply(facts).map(({ argv }) => [...argv.slice(0, -1), (argv.at(-1) ?? '').replace(/1$/, '0')]);
    case 'address-on':
      return item.apply(facts).map(({ argv }) => argv.map((word) => (word === 'add' ? 'delete' : word)));
    default:
      throw new Error(`how is ${key} taken away?`);
  }
}

/** Makes all of the plan again; what is there already refuses, and is right. */
export async function giveBack(at: Namespace, items: readonly Item[], facts: Facts): Promise<void> {
  for (const { argv, input } of items.flatMap((item) => item.apply(facts))) {
    const [command = '', ...args] = argv;
    await (input === undefined ? at.try(command, args) : at.feed(input, command, args).catch(() => undefined));
  }
}

/** What left unencrypted in each gap, by the markers between them: lines that hold this text. */
export function readableByGap(lines: readonly string[], marker: string): string[][] {
  const gaps: string[][] = [[]];
  for (const line of lines.filter((one) => one !== '')) {
    if (line.includes(marker)) gaps.push([]);
    else gaps.at(-1)?.push(line);
  }
  return gaps;
}

/** Those of the items that `up` has had to make. @throws Error when the guest has made one that this plan does not know */
export async function madeOf({ at }: TunnelEnd, items: readonly Item[]): Promise<Item[]> {
  const inode = /\[(\d+)\]/.exec(await at.exec('readlink', ['/proc/self/ns/net']))?.[1];
  const journal = JSON.parse(await at.read(`/run/clear-df/tunnel-site-a-${inode}.json`)) as {
    entries: { key: string }[];
  };
  const keys = journal.entries.map(({ key }) => key);
  const made = items.filter(({ key }) => keys.includes(key));
  expect(made.map(({ key }) => key).sort()).toEqual([...keys].sort());
  return made;
}
