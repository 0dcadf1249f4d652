/** Visits to paths: each packet's path through this machine, hook by hook, from both kinds of tables. */
import type { Flow } from './flow.js';
import { identityOf, isOf, type Header } from './header.js';
import type { ChainVisit } from './chain-visit.js';

export type PathKind = 'flow' | 'outer';

/** A packet's path through the hooks of one layer: the frame, the GRE packet around it, the ESP packet around that. */
export interface PacketPath {
  kind: PathKind;
  head: Header;
  visits: ChainVisit[];
}

/**
 * The paths of the flow and of what carries it, in the order in which they began. Others that share the trace, such
 * as ESP of other flows, are left out.
 * @param nft in the order in which they began, with our own chain at every hook
 * @param legacy likewise; each is put to where its table's priority says among those of the same packet and hook
 */
export function packetPathsOf(flow: Flow, nft: readonly ChainVisit[], legacy: readonly ChainVisit[]): PacketPath[] {
  const all = gather(nft, (visit) => `${visit.trace} ${identityOf(visit.head)}`);
  const alone: ChainVisit[] = [];
  for (const visit of legacy) {
    if (!fitIn(all, visit)) alone.push(visit);
  }
  return relevant(flow, [...all, ...gather(alone, ({ head }) => identityOf(head))]);
}

/** A packet that comes to a chain where it has been is another one. */
function gather(visits: readonly ChainVisit[], keyOf: (visit: ChainVisit) => string): ChainVisit[][] {
  const paths: ChainVisit[][] = [];
  const open = new Map<string, ChainVisit[]>();
  for (const visit of visits) {
    const key = keyOf(visit);
    const path = open.get(key);
    if (path !== undefined && !path.some((one) => sameChain(one, visit))) {
      path.push(visit);
      continue;
    }
    const begun = [visit];
    open.set(key, begun);
    paths.push(begun);
  }
  return paths;
}

function sameChain(one: ChainVisit, other: ChainVisit): boolean {
  return (
    one.source === other.source && one.family === other.family && one.table === other.table && one.chain === other.chain
  );
}

/** Puts it into the first path of its packet that has been at this hook without it. */
function fitIn(paths: readonly ChainVisit[][], visit: ChainVisit): boolean {
  const identity = identityOf(visit.head);
  const atHook = (one: ChainVisit) => one.family !== 'bridge' && one.hook === visit.hook;
  for (const path of paths) {
    if (path[0] === undefined || identityOf(path[0].head) !== identity) continue;
    const start = path.findIndex(atHook);
    if (start < 0 || path.some((one) => sameChain(one, visit))) continue;
    let at = start;
    for (let next = path[at]; next !== undefined && atHook(next) && next.priority <= visit.priority;) {
      at += 1;
      next = path[at];
    }
    path.splice(at, 0, visit);
    return true;
  }
  return false;
}

function relevant(flow: Flow, paths: readonly ChainVisit[][]): PacketPath[] {
  const headOf = (visits: readonly ChainVisit[]) => (visits[0] as ChainVisit).head;
  const isFlow = (visits: readonly ChainVisit[]) => {
    const { protocol } = flow;
    return isOf(flow, headOf(visits)) && (protocol === undefined || headOf(visits).protocol === protocol);
  };
  const carries = (visits: readonly ChainVisit[]) => {
    const { inner } = headOf(visits);
    return visits.some(({ roles }) => roles?.has('outer')) || (inner !== undefined && isOf(flow, inner));
  };
  const carriers = new Set(paths.filter(carries).flatMap((visits) => visits.map(({ trace }) => trace)));
  const others = new Set(paths.filter((visits) => isGre(visits) && !carries(visits)).map(outerOf));
  // iptables-legacy names no packet. In transport mode ESP keeps the header of what is in it; else all ESP is shown.
  const related = (visits: readonly ChainVisit[]) => {
    if (visits[0]?.source === 'legacy') return isEncrypted(visits) && !others.has(outerOf(visits));
    // GRE that came in fragments is longer at INPUT than at PREROUTING, and is marked there already.
    return (isEncrypted(visits) || isGre(visits)) && carriers.has(visits[0]?.trace ?? '');
  };
  return paths.flatMap((visits): PacketPath[] => {
    if (isFlow(visits)) return [{ kind: 'flow', head: headOf(visits), visits }];
    return carries(visits) || related(visits) ? [{ kind: 'outer', head: headOf(visits), visits }] : [];
  });
}

function outerOf([first]: readonly ChainVisit[]): string {
  const { source, destination, identification } = (first as ChainVisit).head;
  return `${source} ${destination} ${identification}`;
}

function isGre([first]: readonly ChainVisit[]): boolean {
  return first?.head.protocol === 'gre';
}

function isEncrypted([first]: readonly ChainVisit[]): boolean {
  return first !== undefined && ['esp', 'udp', 'ah'].includes(first.head.protocol);
}
