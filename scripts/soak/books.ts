/**
 * The books of a soak: what the soak's own counters, the kernel's queue and clear-df itself say of the same packets, and
 * where they differ. Everything counts from the beginning, so that what one turn gets wrong shows in that turn.
 */
import type { Counters } from '../../src/counters.js';
import { type Daemon } from '../../test/helpers/clear-df.js';
import { device, queues, type QueueLine } from '../../test/helpers/kernel.js';
import { arrived } from '../../test/helpers/traffic.js';
import { settled } from '../../test/helpers/until.js';
import { type Network, type Passed, passed } from './network.js';

/** One reading of all books, once nothing moves any more. */
export interface Books {
  passed: Passed;
  totals: Counters;
  /** The kernel's lines of the long run's queues: its own, and the companion. */
  own: QueueLine;
  companion: QueueLine;
  requeued: number;
  /** Flooded packets at the server's end. */
  arrived: number;
  /** Dropped by a veth because the backlog of the peer's core was full. */
  clientDropped: number;
  routerDropped: number;
}

export async function readBooks(net: Network, daemon: Daemon): Promise<Books> {
  const { client, router, server } = net;
  await settled('what passes the router', async () => {
    const { came, cameLarge, withoutDf } = await passed(router);
    return came + cameLarge + withoutDf;
  });
  const { totals, queues: own, companion } = await daemon.settledStats();
  const lines = await queues(router);
  const line = (number: number | undefined): QueueLine => {
    const found = lines.find(({ queue }) => queue === number);
    if (found === undefined) throw new Error(`nobody holds queue ${number ?? 'of the companion'}`);
    return found;
  };
  return {
    ...{ passed: await passed(router), totals, own: line(daemon.queues[0]), companion: line(companion) },
    requeued: own.find((each) => !each.companion)?.counters.requeued ?? 0,
    arrived: (await arrived(server)).total,
    clientDropped: (await device(client, 'eth0')).txDropped,
    routerDropped: (await device(router, 'p2')).txDropped,
  };
}

/** Packets that the kernel wanted to hand over. A full queue drops before it gives a number. */
function offeredTo({ sequence, queueDropped }: QueueLine): number {
  return sequence + queueDropped;
}

/** The columns of the table: the long run's packets. */
export interface Account {
  came: number;
  /** Passed while the rules were away. */
  unqueued: number;
  offered: number;
  received: number;
  leaked: number;
  dropped: number;
  verdicts: number;
  /**
   * By the kernel, out of the queue: with a device that goes down, and with a base chain of nft's that goes. It counts
   * them nowhere.
   */
  thrownAway: number;
  /** Verdicts on those, as far as the kernel's complaints have found room in the receive buffer. */
  refused: number;
  cleared: number;
}

export function accountOf({ passed, totals, own, companion, requeued }: Books): Account {
  // A packet goes to the companion once and comes back in as many pieces as it has segments.
  const pieces = offeredTo(companion) - requeued;
  const wentOn = passed.withDf + passed.withoutDf - passed.cameClear;
  return {
    came: passed.came,
    unqueued: passed.came - offeredTo(own),
    offered: offeredTo(own) + offeredTo(companion),
    received: totals.packets,
    leaked: totals.leaked,
    dropped: totals.overrun,
    verdicts: totals.verdicts,
    thrownAway: passed.came + pieces - totals.overrun - wentOn,
    refused: totals.verdictErrors,
    cleared: totals.cleared,
  };
}

/** What a turn leaves behind that the books have to know. */
interface Turn {
  /** By the flood, over the bridge. */
  sent: number;
  /** Somebody's rules went, ours with them, for a while. */
  withoutRules: boolean;
  /** Links went down. */
  linksDown: boolean;
  /** Nothing but the flood was sent, and no link went down: what was sent is what arrived or was dropped. */
  wire: boolean;
}

/** What does not add up, in words; nothing when the books close. */
export function discrepancies(before: Books, now: Books, turn: Turn): string[] {
  const { sent, withoutRules, linksDown, wire } = turn;
  const account = accountOf(now);
  const { withDf } = now.passed;
  const { offered, received, leaked, dropped, verdicts, cleared, unqueued } = account;
  const unchanged = received - cleared - now.requeued;
  const found: string[] = [];
  const expect = (what: string, left: number, right: number): void => {
    if (left !== right) found.push(`${what}: ${left}, and not ${right}`);
  };
  expect('offered = received + leaked + dropped', offered, received + leaked + dropped);
  expect('verdicts = received', verdicts, received);
  expect('went on with DF = leaked + unqueued + unchanged', withDf, leaked + unqueued + unchanged);
  const added = (name: keyof Account): number => account[name] - accountOf(before)[name];
  if (!withoutRules) expect('came to rules that were there, and was not offered', added('unqueued'), 0);
  if (!withoutRules && !linksDown) expect('discarded by the kernel', added('thrownAway'), 0);
  if (added('refused') > added('thrownAway')) found.push('more verdicts were refused than packets discarded');
  if (!wire || linksDown) return found;
  const grew = (pick: (books: Books) => number): number => pick(now) - pick(before);
  expect('sent = came + dropped by the veth', sent, grew(({ passed }) => passed.came) + grew((b) => b.clientDropped));
  // A packet that waited while a hook function before the next one went passes that one by, and ours may be it.
  if (withoutRules) return found;
  const wentOn = grew(({ passed }) => passed.withDf + passed.withoutDf);
  expect('went on = arrived + dropped by the veth', wentOn, grew((b) => b.arrived) + grew((b) => b.routerDropped));
  return found;
}
