/**
 * The support matrix: what became of full-size frames, for each carrier, way and kernel. `test/lab/matrix.more.ts` sees
 * it, `docs/support-matrix.json` keeps it, `matrix-text.ts` makes `docs/support-matrix.md` of that.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareVersions, type KernelSeries } from './suites.js';

/** What helps a full-size frame into the tunnel, in the order of the document; `none`: the engine of that name. */
export const WAYS = [
  'nothing',
  'article',
  'nfqueue br-netfilter',
  'nfqueue nft-bridge',
  'tunnel-flag',
  'bpf',
  'none',
] as const;
export type Way = (typeof WAYS)[number];

/** Those of a gretap: it has no engine `none`. */
export const GRETAP_WAYS: readonly Way[] = WAYS.filter((way) => way !== 'none');

/** Ways that a carrier has to do with; the others depend on the kernel alone, and are seen with the first carriers. */
export const CARRIER_WAYS: readonly Way[] = ['nothing', 'nfqueue br-netfilter', 'tunnel-flag'];

/** What became of a number of packets, each of 1500 bytes with DF; `refused`: an ICMP error tells the host to send less. */
export type Fate = 'whole' | 'lost' | 'some lost' | 'checksum errors' | 'refused';

/** `in small pieces`: it arrived, but the router refused GSO packets, and the sender had to find that out. */
export type StreamFate = 'whole' | 'in small pieces' | 'checksum errors' | 'fails' | 'not tried';

/** What was seen of one cell, from the sending host to the other one. No figures: those differ from run to run. */
export interface Seen {
  /** `ping -M do -s 1472`, answers included. */
  ping: Fate;
  /** UDP, 1472 bytes each. */
  datagrams: Fate;
  /** UDP_SEGMENT: 32 datagrams of 1472 bytes in one packet. */
  superPackets: Fate;
  /** The same with a VLAN tag. */
  taggedSuperPackets: Fate;
  /** A megabyte, every byte compared; tried only where ping passes. */
  tcp: StreamFate;
  /** With a VLAN tag, where single packets need no help. */
  taggedTcp: StreamFate;
  /** Outer packets of the first two rows: `sound`, or all that is wrong with them. */
  wan: string;
}

type Outcome = 'works' | 'limited' | 'cannot';

export interface Cell {
  carrier: string;
  way: Way;
  kernel: KernelSeries;
  outcome: Outcome;
  /** Absent where clear-df refused. */
  seen?: Seen;
  /** In clear-df's own words: why it refused. */
  refused?: string;
}

/** Of what the cells of one kernel and carrier were seen. */
export interface Sight {
  kernel: KernelSeries;
  carrier: string;
  /** As `uname -r` says. */
  release: string;
  date: string;
  /** Of clear-df. */
  version: string;
}

/** What was shown on a machine of another kind. */
export interface Shown {
  machine: string;
  what: string;
  /** The test or command that shows it again. */
  by: string;
  date: string;
}

export interface Matrix {
  sights: Sight[];
  cells: Cell[];
  /** Seen by the lab with a kernel of that machine. */
  machines: Shown[];
}

const PROJECT = path.resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const MATRIX_JSON = path.join(PROJECT, 'docs/support-matrix.json');
export const MATRIX_TEXT = path.join(PROJECT, 'docs/support-matrix.md');

/** `cannot` unless single packets pass; `limited` where something else does not. */
export function outcomeOf(seen: Seen | undefined): Outcome {
  if (seen === undefined || seen.ping !== 'whole' || seen.datagrams !== 'whole') return 'cannot';
  const { superPackets, taggedSuperPackets, tcp, taggedTcp, wan } = seen;
  const sound = [superPackets, taggedSuperPackets, tcp, taggedTcp].every((fate) => fate === 'whole') && wan === 'sound';
  return sound ? 'works' : 'limited';
}

/** Empty when there is no file yet. */
export function readMatrix(): Matrix {
  if (!existsSync(MATRIX_JSON)) return { sights: [], cells: [], machines: [] };
  return JSON.parse(readFileSync(MATRIX_JSON, 'utf8')) as Matrix;
}

/** The cells of one sight take the place of what was known of its kernel and carrier. `carriers`: the order. */
export function merged(matrix: Matrix, sight: Sight, cells: readonly Cell[], carriers: readonly string[]): Matrix {
  const other = ({ kernel, carrier }: { kernel: string; carrier: string }): boolean =>
    carriers.includes(carrier) && (kernel !== sight.kernel || carrier !== sight.carrier);
  const before = (a: Place, b: Place): number =>
    carriers.indexOf(a.carrier) - carriers.indexOf(b.carrier) ||
    compareVersions(a.kernel, b.kernel) ||
    (a.way === undefined || b.way === undefined ? 0 : WAYS.indexOf(a.way) - WAYS.indexOf(b.way));
  const sorted = <T extends Place>(list: T[]): T[] => list.sort(before);
  return {
    ...matrix,
    sights: sorted([...matrix.sights.filter(other), sight]),
    cells: sorted([...matrix.cells.filter(other), ...cells]),
  };
}

interface Place {
  kernel: KernelSeries;
  carrier: string;
  way?: Way;
}
