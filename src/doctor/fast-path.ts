/** Programs of the fast path, beside the queue: what they cleared, and what they left that nobody takes. */
import { KEEPS_DF_CURE, keepsDf } from '../tunnel/fast-path-text.js';
import { type Feed, feedsOf } from './feed.js';
import { checkOf, type Finding } from './finding.js';
import { type FastProgram, type Machine, known } from './machine.js';

export function fastPathFindings(machine: Machine): Finding[] {
  const check = checkOf('queue', 'fast-path');
  const { fastPaths } = machine;
  if (fastPaths === undefined) return [];
  if ('unknown' in fastPaths) return [check.unread('fast path', fastPaths)];
  const { feeds, unread } = feedsOf(machine);
  return fastPaths.known.map(({ device, direction, counters }) => {
    const what = `fast path, ${direction} of ${device}`;
    if (counters === undefined) return check.unknown(what, 'attached; only root can read what it counted');
    const { packets, cleared, leftForQueue } = counters;
    const seen = `${cleared} of ${packets} packets cleared, ${leftForQueue} left for the queue`;
    if (leftForQueue === 0 || feeds.some((feed) => isServed(machine, feed))) return check.ok(what, seen);
    if (unread.length > 0) return check.unknown(what, `${seen}; whether a rule queues those could not be read`);
    return check.wrong(what, `${seen}, and no queue is served: ${keepsDf(device, leftForQueue)}`, {
      hint: KEEPS_DF_CURE,
    });
  });
}

/** The program that clears DF of what leaves by a device. */
export function clearsAt(machine: Machine, device: string): FastProgram | undefined {
  const programs = machine.fastPaths === undefined ? undefined : known(machine.fastPaths);
  return programs?.find((program) => program.device === device && program.direction === 'egress');
}

function isServed({ queues }: Machine, { first, last }: Feed): boolean {
  return known(queues)?.some(({ queue }) => first <= queue && queue <= last) === true;
}
