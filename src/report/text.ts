/** A snapshot as `clear-df stats` prints it. */
import { stripVTControlCharacters } from 'node:util';
import type { CounterName } from '../counters.js';
import { adviceOn } from './advice.js';
import { fastPathTable } from './fast-path.js';
import { bitRate, bytes, count, duration, percent, perSecond, protocolText } from './human.js';
import { perQueue, queuesText } from './queues.js';
import { type Rates, ratesBetween } from './rates.js';
import { type Snapshot, share } from './snapshot.js';
import { type Cell, columns, paint } from './table.js';

interface TextOptions {
  /** Show rare counters although they are 0. */
  all?: boolean;
  /** Use colour: the caller knows whether a terminal reads along and NO_COLOR is unset. */
  color?: boolean;
  /** Rates over the last interval; without them the mean since start is shown. */
  rates?: Rates | undefined;
}

/** One counter's line: its label, and whether it is shown when it is 0. */
type Line = readonly [counter: CounterName, label: string, always?: 'always'];

const CLEARED: readonly Line[] = [
  ['cleared', 'DF cleared', 'always'],
  ['fragments', '  of those fragments'],
  ['gso', '  of those GSO packets'],
  ['checksumFinished', '  of those checksum finished'],
  ['requeued', 'sent to the companion queue'],
  ['identifications', '  identifications given out'],
];

const PASSED: readonly Line[] = [
  ['alreadyClear', 'DF already clear', 'always'],
  ['ahPassed', 'AH, identification 0'],
  ['notIpv4', 'not IPv4'],
  ['malformed', 'malformed'],
  ['truncated', 'truncated'],
  ['badChecksum', 'bad header checksum'],
  ['unfinished', 'unfinished checksum'],
];

const LOSSES: readonly Line[] = [
  ['leaked', 'leaked: passed by fail-open', 'always'],
  ['overrun', 'overrun: dropped by the kernel'],
  ['overload', '  of those in an overload'],
  ['queueFull', '  of those queue full'],
  ['requeueLost', 'lost before the companion'],
  ['verdictErrors', 'verdict errors'],
  ['enobufs', 'ENOBUFS reports'],
  ['receiveErrors', 'receive errors'],
];

/** Counters of events, and of packets that never came in: no share of those that did. */
const NOT_OF_PACKETS: ReadonlySet<CounterName> = new Set([
  'verdictErrors',
  'enobufs',
  'receiveErrors',
  'overrun',
  'overload',
  'queueFull',
  'identifications',
]);

/** The whole text, ending in a newline. */
export function formatSnapshot(snapshot: Snapshot, options: TextOptions = {}): string {
  const rates = options.rates ?? ratesBetween(snapshot);
  const group = (title: string, lines: readonly Line[]) => counterGroup(title, lines, snapshot, rates, options);
  const rows: Cell[][] = [
    [{ text: '' }, { text: 'total', style: 'dim' }, { text: 'share', style: 'dim' }, rateHead(options)],
    ...cameIn(snapshot, rates, options),
    ...group('cleared', CLEARED),
    ...group('passed unchanged', PASSED),
    ...group('losses', LOSSES),
    ...kernel(snapshot, rates, options),
  ];
  const parts = [
    header(snapshot),
    columns(rows),
    ...(snapshot.queues.length > 1 ? [columns(perQueue(snapshot))] : []),
    ...(snapshot.fastPath.length > 0 ? [columns(fastPathTable(snapshot.fastPath))] : []),
    ...identifications(snapshot),
    ...warnings(snapshot, options),
  ];
  const text = `${parts.join('\n\n')}\n`;
  return options.color === true ? text : stripVTControlCharacters(text);
}

function header(snapshot: Snapshot): string {
  const { version, name, uptimeSeconds } = snapshot;
  const title = paint('bold', `clear-df ${version}${name === undefined ? '' : `  ${name}`}`);
  return `${title}\n  ${queuesText(snapshot)}, up ${duration(uptimeSeconds)}`;
}

function rateHead({ rates }: TextOptions): Cell {
  if (rates === undefined) return { text: 'mean', style: 'dim' };
  return { text: rates.restarted ? 'since restart' : `last ${duration(rates.seconds)}`, style: 'dim' };
}

function cameIn({ totals }: Snapshot, rates: Rates | undefined, { all }: TextOptions): Cell[][] {
  const perBatch = totals.batches === 0 ? '' : `${(totals.packets / totals.batches).toFixed(1)} a batch`;
  return [
    heading('came in'),
    row('packets', count(totals.packets), '', rates && perSecond(rates.counters.packets)),
    row('bytes', bytes(totals.bytes), '', rates && bitRate(rates.counters.bytes)),
    ...(all === true || totals.batches > 0
      ? [row('batches', count(totals.batches), perBatch, rates && perSecond(rates.counters.batches))]
      : []),
    ...(all === true ? [row('verdicts', count(totals.verdicts), '', rates && perSecond(rates.counters.verdicts))] : []),
  ];
}

function counterGroup(
  title: string,
  lines: readonly Line[],
  { totals, leakedShare }: Snapshot,
  rates: Rates | undefined,
  { all }: TextOptions,
): Cell[][] {
  const shown = lines.filter(([name, , always]) => all === true || always !== undefined || totals[name] > 0);
  return [
    heading(title),
    ...shown.map(([name, label]) => {
      const ofPackets = name === 'leaked' ? leakedShare : share(totals[name], totals.packets);
      const events = NOT_OF_PACKETS.has(name);
      const style = title === 'losses' && totals[name] > 0 ? 'red' : undefined;
      const part = events || totals.packets === 0 ? '' : percent(ofPackets);
      return row(label, count(totals[name]), part, rates && perSecond(rates.counters[name]), style);
    }),
  ];
}

function kernel(snapshot: Snapshot, rates: Rates | undefined, { all }: TextOptions): Cell[][] {
  const held = snapshot.queues.map((queue) => queue.kernel).filter((row) => row.state === 'held');
  if (held.length === 0) {
    const why = snapshot.kernelUnknown ?? 'none of these queues is held by this clear-df';
    return [[{ text: `kernel: ${why}`, style: 'dim', wide: true }]];
  }
  const total = (key: 'waiting' | 'queueDropped' | 'userDropped') => held.reduce((sum, row) => sum + row[key], 0);
  const rate = (key: 'queueDropped' | 'userDropped') =>
    rates && perSecond(rates.queues.reduce((sum, queue) => sum + (queue[key] ?? 0), 0));
  const drop = (label: string, key: 'queueDropped' | 'userDropped') =>
    all === true || total(key) > 0
      ? [row(label, count(total(key)), '', rate(key), total(key) > 0 ? 'red' : undefined)]
      : [];
  return [
    heading('kernel'),
    row('waiting for a verdict', count(total('waiting'))),
    ...drop('queue_dropped: queue full', 'queueDropped'),
    ...drop('user_dropped: buffer full', 'userDropped'),
  ];
}

function identifications({ busiest }: Snapshot): string[] {
  if (busiest === undefined) return [];
  const { destination, protocol, wrapSeconds } = busiest;
  return [
    `${paint('bold', 'identifications')} wrap in ${duration(wrapSeconds)} at the busiest: ` +
      `to ${destination}, ${protocolText(protocol)}, ${perSecond(busiest.perSecond)}`,
  ];
}

function warnings(snapshot: Snapshot, { rates }: TextOptions): string[] {
  const list = adviceOn(snapshot, rates);
  if (list.length === 0) return [];
  return [list.map(({ seen, remedy }) => `${paint('yellow', 'warning:')} ${seen}\n  ${remedy}`).join('\n')];
}

function heading(text: string): Cell[] {
  return [{ text, style: 'bold', wide: true }];
}

function row(label: string, total: string, part = '', rate = '', style?: Cell['style']): Cell[] {
  return [{ text: `  ${label}` }, { text: total, style }, { text: part }, { text: rate }];
}
