/** The lower part of the live screen: tables in the room that there is. */
import type { Cell, Table } from '../now.js';
import { left, type Line, line, right, type Span } from './canvas.js';

const NAME_WIDTH = 16;
const CELL_WIDTH = 10;
/** Between two tables that stand side by side. */
const GAP = 4;

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
