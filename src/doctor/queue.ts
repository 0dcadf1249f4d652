/** Who holds the queues, which rules feed them, and whether those see the packets that matter. */
import { type Finding, checkOf } from './finding.js';
import { ownedRules, rulesBehind } from '../rules/iptables.js';
import { quoteWord } from '../net/replay.js';
import { maySeePort } from './bridge.js';
import { clearsAt, fastPathFindings } from './fast-path.js';
import { type Feed, feedsOf, queuesText, seesPort } from './feed.js';
import { gretapsOf, refusesLarge } from './gre-device.js';
import { type HeldQueue, type Machine, known } from './machine.js';

/** A rule may feed thousands. */
const SHOWN_MAX = 16;

export function examineQueue(machine: Machine): Finding[] {
  const { feeds, unread } = feedsOf(machine);
  return [
    ...unread.map(({ backend, ...reading }) => checkOf('queue', 'rules').unread(`rules of ${backend}`, reading)),
    ...holders(machine, feeds),
    ...feeds.map((feed) => fed(machine, feed)),
    ...lastInChain(machine),
    ...outerAlone(machine, feeds),
    ...fastPathFindings(machine),
    ...daemonFindings(machine),
  ];
}

export function isClearDf({ process }: HeldQueue): boolean {
  return process?.name.startsWith('clear-df') === true;
}

function holders({ queues }: Machine, feeds: readonly Feed[]): Finding[] {
  const check = checkOf('queue', 'holder');
  if ('unknown' in queues) return [check.unread('holders', queues)];
  if (queues.known.length === 0) return [check.ok('holders', 'no process has a queue bound')];
  return queues.known.map((held) => {
    const { queue, process, portId } = held;
    const what = `queue ${queue}`;
    const dropped = held.queueDropped + held.userDropped;
    const losses = dropped === 0 ? '' : `; the kernel dropped ${dropped} packets of it`;
    if (process === undefined) {
      return check.unknown(what, `held by port id ${portId}, whose process does not show${losses}`);
    }
    const holder = `held by process ${process.pid} (${process.name})`;
    const ours = feeds.find(({ owner, first, last }) => owner !== undefined && first <= queue && queue <= last);
    if (ours !== undefined && !isClearDf(held)) {
      const evidence = `${holder}, which is not clear-df, but rules of clear-df:${ours.owner} feed it${losses}`;
      return check.wrong(what, evidence, { hint: `stop process ${process.pid}, or give the rules another queue` });
    }
    return check.ok(what, `${holder}${losses}`);
  });
}

/** Whether a process holds the queue that a rule feeds. */
function fed({ queues }: Machine, feed: Feed): Finding {
  const check = checkOf('queue', 'feed');
  const what = `${feed.backend} ${feed.chain}`;
  if ('unknown' in queues) return check.unread(what, queues);
  const held = new Set(queues.known.map(({ queue }) => queue));
  const free = Array.from({ length: feed.last - feed.first + 1 }, (_, i) => feed.first + i).filter((n) => !held.has(n));
  const without = feed.bypass ? '' : '; without bypass: packets are lost whenever no process has it bound';
  if (free.length === 0) return check.ok(what, `feeds ${queuesText(feed)}, which is held${without}`);
  const fate = feed.bypass
    ? 'its packets go on unchanged, DF and all'
    : 'and the rule has no bypass: every packet that it matches is lost';
  const range = feed.first === feed.last ? `${feed.first}` : `${feed.first}:${feed.last}`;
  const more = free.length > SHOWN_MAX ? `, … (${free.length} queues)` : '';
  const evidence = `feeds queue ${free.slice(0, SHOWN_MAX).join(', ')}${more}, which no process has bound: ${fate} (${feed.rule})`;
  // To clear DF in the queue of an intrusion detector would let everything past it.
  const meant = feed.owner === undefined ? 'start the program that the rule is meant for instead, ' : '';
  return check.wrong(what, evidence, {
    fix: `clear-df --queue ${range}`,
    hint: `or ${meant}${meant && 'or '}remove the rule`,
  });
}

/** A packet that a queue gives back goes on behind the chain: rules that stand behind the queue's see none of them. */
function lastInChain({ saves }: Machine): Finding[] {
  const check = checkOf('queue', 'last-in-chain');
  return [...saves].flatMap(([variant, save]) => {
    if ('unknown' in save) return [];
    const names = new Set(ownedRules(save.known).map(({ name }) => name));
    return [...names].map((name) => {
      const what = `rules of ${name} in ${variant}`;
      const behind = rulesBehind(save.known, name);
      if (behind.length === 0) return check.ok(what, 'no rule of others follows them');
      const shown = behind.map(({ table, line }) => `${table} ${line}`).join('; ');
      const evidence = `rules of others follow them in the chain and miss every queued packet: ${shown}`;
      const hint = `a run moves its rules last automatically; for others, clear-df rules install --name ${name} as before, once more`;
      return check.wrong(what, evidence, { hint });
    });
  });
}

/** The rule of old instructions: outer packets only, where the kernel refuses the inner frame before there is one. */
function outerAlone(machine: Machine, feeds: readonly Feed[]): Finding[] {
  const check = checkOf('queue', 'outer-alone');
  const outer = feeds.filter(({ sight }) => sight === 'outer');
  if (outer.length === 0) return [];
  return gretapsOf(machine)
    .filter(({ master }) => master !== undefined)
    .map((device) => {
      const what = `${outer[0]?.chain} for ${device.name}`;
      if (!refusesLarge(device)) return check.ok(what, `${device.name} has ignore-df: nothing is refused before it`);
      if (clearsAt(machine, device.name)) return check.ok(what, `a program at its egress clears the inner frames`);
      const inner = feeds.find((feed) => seesPort(feed, device));
      if (inner !== undefined) return check.ok(what, `${inner.chain} sees the inner frames`);
      const perhaps = feeds.find((feed) => maySeePort(machine, feed, device));
      if (perhaps !== undefined) {
        return check.unknown(what, `whether ${perhaps.chain} sees the inner frames depends: ${perhaps.rule}`);
      }
      const evidence =
        `a queue after the tunnel alone cannot help: ${device.name} refuses a full-size frame with DF ` +
        'before there is an outer packet to see; bulk TCP may pass all the same and mislead';
      const queue = outer[0]?.first ?? 0;
      return check.wrong(what, evidence, {
        fix: `clear-df rules install --name inner --hook bridge --out-dev ${quoteWord(device.name)} --queue ${queue}`,
      });
    });
}

function daemonFindings({ daemon, queues }: Machine): Finding[] {
  const check = checkOf('queue', 'losses');
  if (daemon === undefined) {
    if (!(known(queues) ?? []).some(isClearDf)) return [];
    return [check.unknown('losses', 'a clear-df holds a queue, but no statistics answer on the default address')];
  }
  const { leaked, overrun, packets, advice } = daemon;
  const evidence = `of ${packets} packets ${leaked} passed unchanged and ${overrun} were lost for lack of space`;
  if (leaked === 0 && overrun === 0) return [check.ok('losses', evidence)];
  return [check.wrong('losses', evidence, { hint: advice[0]?.remedy ?? 'raise --receive-buffer' })];
}
