/** VLANs of the ports of bridges, from `bridge -j vlan show`. */
import * as z from 'zod';
import type { Runner } from '../exec.js';
import { readJson } from './json.js';

const id = z.int().min(0).max(4095);
const vlan = z.object({ vlan: id, vlanEnd: id.optional() });
/** Older versions print no JSON array for a port without VLANs. */
const listing = z.array(
  z.object({ ifname: z.string().optional(), vlans: z.array(vlan).default([]).optional().catch(undefined) }),
);

/** By port; undefined for one whose VLANs are not understood. @throws ClearDfError ENVIRONMENT without iproute2's bridge, or where it prints something else */
export async function readVlans(runner: Runner): Promise<Map<string, number[] | undefined>> {
  return parseVlans(await runner.query('bridge', ['-j', 'vlan', 'show']));
}

/** What `bridge -j vlan show` printed; nothing at all without bridges. */
export function parseVlans(text: string): Map<string, number[] | undefined> {
  const ports = text.trim() === '' ? [] : readJson(listing, text, 'bridge -j vlan show');
  return new Map(
    ports.flatMap(({ ifname, vlans }): [string, number[] | undefined][] =>
      ifname === undefined
        ? []
        : [[ifname, vlans?.flatMap(({ vlan: first, vlanEnd: last = first }) => range(first, last))]],
    ),
  );
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
