/** The tables of queues and devices. */
import type { Table } from '../report/now.js';
import { element, mark } from './element.js';

/** Shows a table in `parent`, with a small graph of the last hour at the end of each row that has one. */
export function showTable(parent: HTMLElement, { head, rows }: Table, graphs?: readonly (number | null)[][]): void {
  const table = element('table');
  const heading = element('tr');
  for (const text of graphs === undefined ? head : [...head, 'last hour']) {
    const cell = element('th', text === head[0] ? text.toLowerCase() : text);
    cell.scope = 'col';
    heading.append(cell);
  }
  const body = element('tbody');
  rows.forEach((cells, i) => {
    const row = element('tr');
    cells.forEach(({ text, alarm }, column) => {
      const cell = element(column === 0 ? 'th' : 'td', text);
      if (column === 0) cell.scope = 'row';
      mark(cell, alarm);
      row.append(cell);
    });
    const graph = graphs?.[i];
    if (graphs !== undefined) row.append(cellWith(graph ?? []));
    body.append(row);
  });
  const above = element('thead');
  above.append(heading);
  table.append(above, body);
  parent.replaceChildren(table);
}

const SVG = 'http://www.w3.org/2000/svg';

function cellWith(values: readonly (number | null)[]): HTMLElement {
  const highest = Math.max(1, ...values.map((value) => value ?? 0));
  const points = values.flatMap((value, i) =>
    value === null ? [] : [`${i},${(20 - (value / highest) * 19).toFixed(1)}`],
  );
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${Math.max(1, values.length - 1)} 21`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'polyline');
  line.setAttribute('points', points.join(' '));
  svg.append(line);
  const cell = element('td');
  cell.append(svg);
  return cell;
}
