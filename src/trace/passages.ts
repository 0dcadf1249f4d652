/** Visits to passages: each packet's way through this machine, hook by hook, from both kinds of tables. */
import type { Flow } from './flow.js';
import { identityOf, isOf, type Head } from './head.js';
import type { Visit } from './visit.js';

export type PassageKind = 'flow' | 'outer';

/** A packet's way through the hooks of one layer: the frame, the GRE packet around it, the ESP packet around that. */
export interface Passage {
  kind: PassageKind;
  head: Head;
  visits: Visit[];
}

/**
 * The passages of the flow and of what carries it, in the order in which they began. Others that share the trace, such
 * as ESP of other flows, are left out.
 * @param nft in the order in which they began, with our own chain at every hook
 * @param legacy likewise; each is put to where its table's priority says among those of the same packet and hook
 */
export function passagesOf(flow: Flow, nft: readonly Visit[], legacy: readonly Visit[]): Passage[] {
  const all = gather(nft, (visit) => `${visit.trace} ${identityOf(visit.head)}`);
  const alone: Visit[] = [];
  for (const visit of legacy) {
    if (!fitIn(all, visit)) alone.push(visit);
  }
  return relevant(flow, [...all, ...gather(alone, ({ head }) => identityOf(head))]);
}

/** A packet that comes to a chain where it has been is another one. */
function gather(visits: readonly Visit[], keyOf: (visit: Visit) => string): Visit[][] {
  const passages: Visit[][] = [];
  const open = new Map<string, Visit[]>();
  for (const visit of visits) {
    const key = keyOf(visit);
    const passage = open.get(key);
    if (passage !== undefined && !passage.some((one) => sameChain(one, visit))) {
      passage.push(visit);
      continue;
    }
    const begun = [visit];
    open.set(key, begun);
    passages.push(begun);
  }
  return passages;
}

function sameChain(one: Visit, other: Visit): boolean {
  return (
    one.source === other.source && one.family === other.family && one.table === other.table && one.chain === other.chain
  );
}

/** Puts it into the first passage of its packet that has been at this hook without it. */
function fitIn(passages: readonly Visit[][], visit: Visit): boolean {
  const identity = identityOf(visit.head);
  const atHook = (one: Visit) => one.family !== 'bridge' && one.hook === visit.hook;
  for (const passage of passages) {
    if (passage[0] === undefined || identityOf(passage[0].head) !== identity) continue;
    const start = passage.findIndex(atHook);
    if (start < 0 || passage.some((one) => sameChain(one, visit))) continue;
    let at = start;
    for (let next = passage[at]; next !== undefined && atHook(next) && next.priority <= visit.priority;) {
      at += 1;
      next = passage[at];
    }
    passage.splice(at, 0, visit);
    return true;
  }
  return false;
}

function relevant(flow: Flow, passages: readonly Visit[][]): Passage[] {
  const headOf = (visits: readonly Visit[]) => (visits[0] as Visit).head;
  const isFlow = (visits: readonly Visit[]) => {
    const { protocol } = flow;
    return isOf(flow, headOf(visits)) && (protocol === undefined || headOf(visits).protocol === protocol);
  };
  const carries = (visits: readonly Visit[]) => {
    const { inner } = headOf(visits);
    return visits.some(({ roles }) => roles?.has('outer')) || (inner !== undefined && isOf(flow, inner));
  };
  const carriers = new Set(passages.filter(carries).flatMap((visits) => visits.map(({ trace }) => trace)));
  const others = new Set(passages.filter((visits) => isGre(visits) && !carries(visits)).map(outerOf));
  // iptables-legacy names no packet. In transport mode ESP keeps the header of what is in it; else all ESP is shown.
  const related = (visits: readonly Visit[]) => {
    if (visits[0]?.source === 'legacy') return isEncrypted(visits) && !others.has(outerOf(visits));
    // GRE that came in fragments is longer at INPUT than at PREROUTING, and is marked there already.
    return (isEncrypted(visits) || isGre(visits)) && carriers.has(visits[0]?.trace ?? '');
  };
  return passages.flatMap((visits): Passage[] => {
    if (isFlow(visits)) return [{ kind: 'flow', head: headOf(visits), visits }];
    return carries(visits) || related(visits) ? [{ kind: 'outer', head: headOf(visits), visits }] : [];
  });
}

function outerOf([first]: readonly Visit[]): string {
  const { source, destination, identification } = (first as Visit).head;
  return `${source} ${destination} ${identification}`;
}

function isGre([first]: readonly Visit[]): boolean {
  return first?.head.protocol === 'gre';
}

function isEncrypted([first]: readonly Visit[]): boolean {
  return first !== undefined && ['esp', 'udp', 'ah'].includes(first.head.protocol);
}
