/** Packet paths grouped: packets that took the same path are one entry, with their number. */
import type { Header } from './header.js';
import type { Hook } from './nft-marks.js';
import type { PacketPath, PathKind } from './packet-paths.js';
import type { Devices, TracedRule, ChainVisit } from './chain-visit.js';

/** One line of the table: a packet in one chain, or at a hook where no table has one. */
export interface Row {
  family: string;
  hook: Hook;
  /** Undefined where no table of this family has a chain at the hook. */
  table: string | undefined;
  chain: string | undefined;
  /** `legacy` where the table is one of iptables-legacy. */
  source: ChainVisit['source'];
  /** Undefined: the policy gave the verdict. */
  rule: TracedRule | undefined;
  /** Undefined where it was not seen. */
  verdict: string | undefined;
  devices: Devices;
  /** Whether DF was set when it came there; undefined where that was not seen. */
  dontFragment: boolean | undefined;
}

export interface PathGroup {
  kind: PathKind;
  /** Of the first packet. */
  head: Header;
  packets: number;
  rows: Row[];
}

/** In the order in which each path was first taken. */
export function pathGroupsOf(paths: readonly PacketPath[]): PathGroup[] {
  const groups = new Map<string, PathGroup>();
  for (const { kind, head, visits } of paths) {
    const rows = rowsOf(visits);
    const { source, destination, protocol, length } = head;
    const key = JSON.stringify([kind, source, destination, protocol, length, rows]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { kind, head, packets: 1, rows });
    else known.packets += 1;
  }
  return [...groups.values()];
}

function rowsOf(visits: readonly ChainVisit[]): Row[] {
  const rows: Row[] = [];
  const physical: Devices = {};
  let dontFragment: boolean | undefined;
  for (const visit of visits) {
    if (visit.roles !== undefined) dontFragment = visit.roles.has('df');
    if (visit.head.dontFragment !== undefined) ({ dontFragment } = visit.head);
    if (visit.family === 'bridge') {
      physical.physicalIn ??= visit.devices.in;
      physical.physicalOut ??= visit.devices.out;
    }
    const shown =
      visit.roles === undefined || !visits.some((other) => other.roles === undefined && sameHook(visit, other));
    if (shown) rows.push({ ...row(visit, physical), dontFragment });
    // Who answers a queue may have changed it.
    if (visit.verdict === 'queue') dontFragment = undefined;
  }
  return rows;
}

function row(visit: ChainVisit, physical: Devices): Omit<Row, 'dontFragment'> {
  const { family, hook, source, rule, verdict, devices } = visit;
  const ours = visit.roles !== undefined;
  // Between two hooks of the bridge, br_netfilter shows the bridge for both.
  const known = family === 'bridge' ? {} : portsOf(devices, hook, physical);
  const place = ours ? { table: undefined, chain: undefined } : { table: visit.table, chain: visit.chain };
  return {
    family,
    hook,
    ...place,
    source,
    rule,
    verdict: ours ? undefined : verdict,
    devices: { ...known, ...clean(devices) },
  };
}

function portsOf(devices: Devices, hook: Hook, { physicalIn, physicalOut }: Devices): Devices {
  const leaves = hook === 'forward' || hook === 'postrouting';
  return clean({
    physicalIn: devices.in === undefined || devices.in === physicalIn ? undefined : physicalIn,
    physicalOut: leaves && devices.out !== physicalOut ? physicalOut : undefined,
  });
}

function clean(devices: Devices): Devices {
  return Object.fromEntries(Object.entries(devices).filter(([, name]) => name !== undefined));
}

/** `inet` tables hang at the hooks of `ip`. */
function sameHook(one: ChainVisit, other: ChainVisit): boolean {
  return one.hook === other.hook && (one.family === 'bridge') === (other.family === 'bridge');
}

/** `10.32.0.50 > 10.32.0.111 icmp, 84 bytes`. */
export function pathText({ head: { source, destination, protocol, length } }: PathGroup): string {
  return `${source} > ${destination} ${protocol}, ${length} bytes`;
}

/** The device by which a packet came to the first hook that it was seen at; undefined for one that is sent here. */
export function firstDevice({ rows }: PathGroup): string | undefined {
  const devices = rows[0]?.devices;
  return devices?.physicalIn ?? devices?.in;
}

/** The device by which a packet left the last hook that it was seen at; undefined when it was to leave by none. */
export function lastDevice({ rows }: PathGroup): string | undefined {
  const last = rows.at(-1);
  const leaves =
    last !== undefined && last.verdict !== 'queue' && ['postrouting', 'forward', 'output'].includes(last.hook);
  return leaves ? (last.devices.physicalOut ?? last.devices.out) : undefined;
}
