/** What a run says when it has started and when it has ended. */
import { COUNTER_NAMES } from '../counters.js';
import type { InstallResult } from '../host/firewall.js';
import type { Logger } from '../log.js';
import type { ClearDf, Setting, Stats } from '../mangler.js';
import { rangeText } from '../net/queue-range.js';
import { instanceOf } from '../rules/instance.js';
import type { RuleSpec } from '../rules/spec.js';
import type { ServiceOptions } from './options.js';

/** The queues, who holds them, and which settings took. */
export function announceQueues(log: Logger, mangler: ClearDf, options: ServiceOptions, neverLocal: boolean): void {
  const { gso, identification } = options;
  const queue = rangeText(options.queue);
  const { companion, ports, settings } = mangler;
  const portIds = ports.map(({ portId }) => portId >>> 0);
  const fields = { queue, companion, portIds, identification, gso, neverLocal };
  const more = companion === undefined ? '' : `, companion queue ${companion}`;
  log.info(fields, `queue ${queue} bound${more}`);
  const outcomes = bySetting(settings);
  // The companion has its own value for gso; it is not what the queue got.
  const ours = bySetting(settings.filter((setting) => setting.queue !== companion));
  const taken = ours.filter(({ refused }) => refused === undefined).map(({ setting, value }) => [setting, value]);
  log.info({ queue, ...Object.fromEntries(taken) }, 'settings taken by the kernel');
  for (const { setting, value, refused, queues } of outcomes) {
    if (refused === undefined) continue;
    const fields = { queues, setting, value, errno: refused };
    log.warn(fields, `${setting} ${value} refused by the kernel (${refused}): going on without it`);
  }
}

interface Outcome extends Pick<Setting, 'setting' | 'value' | 'refused'> {
  queues: number[];
}

/** The same outcome on several queues is one line. */
export function bySetting(settings: readonly Setting[]): Outcome[] {
  const outcomes = new Map<string, Outcome>();
  for (const { queue, setting, value, refused } of settings) {
    const key = `${setting} ${value} ${refused ?? ''}`;
    const known = outcomes.get(key);
    if (known !== undefined) known.queues.push(queue);
    else outcomes.set(key, { setting, value, ...(refused === undefined ? {} : { refused }), queues: [queue] });
  }
  return [...outcomes.values()];
}

/**
 * Rules that are in place now.
 * @param ours whether the run had rules of this name before
 */
export function announceRules(
  log: Logger,
  specs: readonly RuleSpec[],
  { backend, reason, existed, removedFrom, rules, notes }: InstallResult,
  ours: boolean,
): void {
  const { name, queues } = instanceOf(specs);
  const [hook, proto] = [specs.map((spec) => spec.hook), specs.map((spec) => spec.proto)].map(listText);
  const queue = rangeText(queues);
  log.info({ name, hook, proto, queue, backend, rules }, `rules installed with ${backend} (${reason})`);
  if (existed && !ours) {
    log.info({ name }, `rules of the name ${name} were there already; this run owns them now and removes them`);
  }
  for (const other of removedFrom) log.info({ name, backend: other }, `rules removed from ${other}`);
  for (const { level, text } of notes) log[level]({ name, backend }, text);
}

/** Each of some words once, in a text for one field of the log. */
function listText(words: readonly string[]): string {
  return [...new Set(words)].join(', ');
}

/** Without rules of its own a run waits for someone else's. */
export function hintAtRules(log: Logger, options: ServiceOptions): void {
  const queue = rangeText(options.queue);
  log.info(
    { queue, hint: `clear-df rules install --queue ${queue}` },
    `packets come only from rules that send them to queue ${queue}: clear-df rules install --queue ${queue} makes some, ` +
      'or start with --install-rules',
  );
}

/** The closing line: every counter that counted anything. It accounts for every packet that the queues were offered. */
export function announceEnd(log: Logger, reason: string, stats: Stats): void {
  const counted = COUNTER_NAMES.filter((name) => stats[name] > 0 || name === 'packets' || name === 'cleared');
  const fields = Object.fromEntries(counted.map((name) => [name, stats[name]]));
  const dropped = stats.overrun + stats.requeueLost;
  const words = `${stats.packets} packets, ${stats.cleared} cleared, ${stats.leaked} leaked, ${dropped} dropped`;
  log.info({ reason, ...fields }, `ended: ${words}`);
}

/** The last line of a run that a signal ends at once. */
export function leftBehind(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `rules of ${name} may be left: clear-df rules remove --name ${name}`;
}
