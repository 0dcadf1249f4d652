/** What `clear-df bench --here` found, for people. */
import { at } from '../capacity/cost.js';
import type { Row } from '../capacity/findings.js';
import { BUSY_MOST, QUEUES_MOST } from '../capacity/needs.js';
import { bitRate, percent, perSecond } from '../report/human.js';
import { type Cell, columns } from '../report/table.js';
import type { BenchResult } from '../commands/bench.js';

/** More of the two cores that others had makes the figures too low. */
const BUSY_BEFORE = 0.1;

/** Tables and advice; ends in a newline. @param df percent of the packets with DF set */
export function benchText(result: BenchResult, df: number): string {
  const { machine, measuredOn, heldOut } = result;
  const judged = heldOut.map(({ what, predicted, measured, error }) => {
    const off = `${error > 0 ? '+' : '-'}${percent(Math.abs(error))}`;
    return `Checked at ${what}, which the model had not seen: ${perSecond(measured)} measured, ${perSecond(predicted)} predicted (${off}).`;
  });
  return [
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}; measured on cores ${measuredOn.receiving} and ${measuredOn.clearing}.`,
    '',
    `What one queue takes here, DF set in ${df} % of the packets:`,
    '',
    oneQueueTable(result),
    '',
    `What a link needs here, no core busier than ${percent(BUSY_MOST)}:`,
    '',
    linkTable(result),
    '',
    ...advice(result),
    ...notes(result),
    '',
    ...judged,
    'A network card and its interrupts cost more than the links measured here: take it for the best case (docs/scale.md).',
    '',
  ].join('\n');
}

const row = (...texts: string[]): Cell[] => texts.map((text) => ({ text }));

function oneQueueTable({ oneQueue, costs }: BenchResult): string {
  const rows = oneQueue.map(({ size, packetsPerSecond, bytesPerSecond, limit }) =>
    row(size, perSecond(packetsPerSecond), bitRate(bytesPerSecond), limit),
  );
  const each = [
    `A packet with DF costs the receiving core ${nanoseconds(costs.queue, 64)} to ${nanoseconds(costs.queue, 1500)}`,
    `and the queue's thread ${nanoseconds(costs.clear, 64)} to ${nanoseconds(costs.clear, 1500)} (64 to 1500 bytes);`,
    `forwarding it alone ${nanoseconds(costs.forward, 64)} to ${nanoseconds(costs.forward, 1500)}.`,
  ];
  return `${columns([row('packets of', 'packets', 'throughput', 'limit'), ...rows])}\n\n${each.join('\n')}`;
}

function nanoseconds(line: { fixed: number; perByte: number }, length: number): string {
  return `${Math.round(at(line, length))} ns`;
}

function linkTable({ links }: BenchResult): string {
  const rows = links.map(({ gbps, size, packetsPerSecond, queues, cores, tunnelFlagCores, advice }) =>
    row(
      `${gbps} Gbit/s of ${size}`,
      perSecond(packetsPerSecond),
      String(queues),
      String(cores),
      String(tunnelFlagCores),
      ANSWERS[advice],
    ),
  );
  return columns([row('link', 'packets', 'queues', 'cores', 'with ignore-df', 'answer'), ...rows]);
}

const ANSWERS: Readonly<Record<Row['advice'], string>> = {
  none: 'nothing to clear',
  'one queue': 'one queue',
  queues: 'several queues',
  kernel: 'in the kernel',
  cores: 'more cores',
};

/** Each answer that stands in the table, once, with what to do. */
function advice({ links, machine, breakEven }: BenchResult): string[] {
  const given = new Set(links.map((link) => link.advice));
  const most = Math.max(1, ...links.filter((link) => link.advice === 'queues').map(({ queues }) => queues));
  const lines: string[] = [];
  if (given.has('one queue')) lines.push('one queue       --queue 0 is enough.');
  if (given.has('queues')) {
    lines.push(
      `several queues  --queue 0:${most - 1} with --fanout cpu: what one core receives, one thread clears. One tunnel is one flow`,
      '                to a hash, and would stay in one queue.',
    );
  }
  if (given.has('kernel')) {
    lines.push(
      `in the kernel   more than ${machine.cores} cores or ${QUEUES_MOST} queues: let the tunnel take packets of any size (engine: tunnel-flag in the`,
      '                site file, nopmtudisc ignore-df on a gretap, flag nopmtudisc on an ESP state), or the fast path clear DF',
      '                (engine: bpf, --fast-path require).',
    );
  }
  if (given.has('cores')) {
    lines.push(`more cores      forwarding alone takes more than ${machine.cores}, whoever clears DF.`);
  }
  const points = breakEven
    .filter(({ packetsPerSecond }) => Number.isFinite(packetsPerSecond))
    .map(({ size, packetsPerSecond }) => `${perSecond(packetsPerSecond)} (${size})`);
  if (points.length > 0) {
    lines.push('', `Against ignore-df, clear-df takes one core more for each ${points.join(', ')}.`);
  }
  return lines;
}

function notes({ busyBefore, measuredOn }: BenchResult): string[] {
  const lines: string[] = [];
  if (busyBefore > BUSY_BEFORE) {
    lines.push(`The two cores were ${percent(busyBefore)} busy before anything was sent: an idle machine takes more.`);
  }
  if (measuredOn.siblings) {
    lines.push('They are two threads of one core, and slowed each other: two cores of their own take more.');
  }
  return lines;
}
