/** The lower part of the live screen: queues and places of the fast path, one to a row. */
import type { FastStats } from '../../fast-path/fast-path.js';
import { short } from '../human.js';
import { PASSED } from '../passed.js';
import type { Rates } from '../rates.js';
import type { QueueSnapshot, Snapshot } from '../snapshot.js';
import { left, type Line, line, right, type Span } from './canvas.js';

const NAME_WIDTH = 16;
const CELL_WIDTH = 10;
/** Between two tables that stand side by side. */
const GAP = 4;

interface Cell {
  text: string;
  alarm?: boolean;
}

interface Table {
  /** Of the first column, then of those with figures, the most important first. */
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** One row for each queue, its figures per second where the head says so. */
export function queueTable({ queues }: Snapshot, rates: Rates | undefined): Table {
  return {
    head: ['QUEUE', 'packets/s', 'waiting', 'leaked/s', 'dropped/s', 'cleared/s', 'passed/s'],
    rows: queues.map((queue) => {
      const rate = rates?.queues.find((candidate) => candidate.queue === queue.queue);
      const per = (value: number | undefined) => (value === undefined ? '-' : short(value));
      const leaked = rate?.counters.leaked;
      const dropped = droppedOf(rate);
      return [
        { text: `${queue.queue}${queue.companion ? ' companion' : ''}`, alarm: notOurs(queue) },
        { text: per(rate?.counters.packets) },
        waitingOf(queue),
        { text: per(leaked), alarm: (leaked ?? 0) > 0 },
        { text: per(dropped), alarm: (dropped ?? 0) > 0 },
        { text: per(rate?.counters.cleared) },
        { text: per(rate && PASSED.reduce((sum, name) => sum + rate.counters[name], 0)) },
      ];
    }),
  };
}

function droppedOf(rate: Rates['queues'][number] | undefined): number | undefined {
  if (rate?.queueDropped === undefined || rate.userDropped === undefined) return undefined;
  return rate.queueDropped + rate.userDropped;
}

function notOurs({ kernel }: QueueSnapshot): boolean {
  return kernel.state === 'other' || kernel.state === 'unbound';
}

function waitingOf(queue: QueueSnapshot): Cell {
  const { kernel } = queue;
  switch (kernel.state) {
    case 'held':
      return { text: short(kernel.waiting) };
    case 'other':
      return { text: 'taken', alarm: true };
    case 'unbound':
      return { text: 'not bound', alarm: true };
    case 'unknown':
      return { text: '?' };
  }
}

/** One row for each place of the fast path. */
export function placeTable({ fastPath }: Snapshot, rates: Rates | undefined): Table {
  const rateOf = (place: FastStats) =>
    rates?.fastPath.find(({ device, direction }) => device === place.device && direction === place.direction)?.counters;
  return {
    head: ['DEVICE', 'packets/s', 'cleared/s', 'no DF/s', 'queue/s', 'fits/s', 'failed'],
    rows: fastPath.map((place) => {
      const rate = rateOf(place);
      const per = (name: keyof FastStats['counters']) => ({ text: rate === undefined ? '-' : short(rate[name]) });
      const { failed } = place.counters;
      return [
        { text: place.direction === 'egress' ? place.device : `${place.device} in` },
        ...[per('packets'), per('cleared'), per('alreadyClear'), per('leftForQueue'), per('fits')],
        { text: short(failed), alarm: failed > 0 },
      ];
    }),
  };
}

/** Lines that a table takes when it has all the room that it wants. */
export function wants({ rows }: Table, width: number): number {
  return rows.length === 0 ? 0 : 1 + Math.ceil(rows.length / side(width));
}

/** Tables side by side, where the screen is wide enough for whole ones. */
function side(width: number): number {
  return Math.max(1, Math.floor((width + GAP) / (NAME_WIDTH + 6 * CELL_WIDTH + GAP)));
}

/**
 * The table in at most `height` lines, the last of which says how many rows are left out.
 * @param scroll rows to begin after
 */
export function tableLines(table: Table, width: number, height: number, scroll = 0): Line[] {
  if (table.rows.length === 0 || height < 2) return [];
  const beside = Math.min(side(width), table.rows.length);
  const each = Math.floor((width - GAP * (beside - 1)) / beside);
  const all = Math.ceil(table.rows.length / beside) <= height - 1;
  const deep = all ? Math.ceil(table.rows.length / beside) : height - 2;
  const from = all ? 0 : Math.min(scroll, Math.max(0, table.rows.length - deep * beside));
  const rows = table.rows.slice(from, from + deep * beside);
  const columns = Array.from({ length: beside }, (_, i) => rows.slice(i * deep, (i + 1) * deep));
  const joined = (cells: (column: readonly (readonly Cell[])[]) => Span[]) =>
    line(width, ...columns.flatMap((column, i) => [...(i === 0 ? [] : [left('', GAP)]), ...cells(column)]));
  return [
    joined(() => headOf(table.head, each)),
    ...Array.from({ length: deep }, (_, i) => joined((column) => rowOf(column[i], each))),
    ...(all ? [] : [moreLine(from, rows.length, table.rows.length, width)]),
  ];
}

function moreLine(from: number, shown: number, all: number, width: number): Line {
  const text = `  ${from + 1} to ${from + shown} of ${all}; up and down show the others`;
  return line(width, left(text, width, 'dim'));
}

function headOf(head: readonly string[], width: number): Span[] {
  const [name = '', ...figures] = head;
  return fitted(width, [
    left(name, NAME_WIDTH, 'inverse'),
    ...figures.map((text) => right(text, CELL_WIDTH, 'inverse')),
  ]);
}

function rowOf(row: readonly Cell[] | undefined, width: number): Span[] {
  const [name, ...figures] = row ?? [];
  if (name === undefined) return [left('', width)];
  const red = (cell: Cell) => (cell.alarm === true ? 'red' : undefined);
  const mark = (cell: Cell) => (cell.alarm === true ? `!${cell.text}` : cell.text);
  return fitted(width, [
    left(mark(name), NAME_WIDTH, red(name)),
    ...figures.map((cell) => right(mark(cell), CELL_WIDTH, red(cell))),
  ]);
}

/** Whole cells as far as they fit, then blanks; the style of the last goes on to the edge of a heading. */
function fitted(width: number, cells: readonly Span[]): Span[] {
  const fit = Math.max(1, 1 + Math.floor((width - NAME_WIDTH) / CELL_WIDTH));
  const shown = cells.slice(0, fit);
  const used = shown.reduce((sum, { text }) => sum + text.length, 0);
  const edge = cells[0]?.style === 'inverse' ? ('inverse' as const) : undefined;
  return [...shown, { text: ' '.repeat(Math.max(0, width - used)), style: edge }];
}
