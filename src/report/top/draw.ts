/** The live screen of `clear-df top`: a state in, lines of exactly the screen's size out. */
import { adviceOn } from '../advice.js';
import type { History } from '../history.js';
import { bitRate, bytes, count, duration, percent, perSecond, protocolText } from '../human.js';
import { placeTable, queueTable } from '../now.js';
import { queuesText } from '../queues.js';
import type { Rates } from '../rates.js';
import { REASSEMBLY_SECONDS, SERIES, type SeriesName } from '../series.js';
import type { Snapshot } from '../snapshot.js';
import { left, type Line, line, right, type Span, sparkline } from './canvas.js';
import { tableLines, wants } from './tables.js';

export interface TopState {
  snapshot: Snapshot;
  /** Absent until there are two readings. */
  rates?: Rates | undefined;
  history: History;
  /** Why what is shown is old; absent when it is not. */
  problem?: string | undefined;
  /** Queues to begin after, where not all of them fit. */
  scroll: number;
  /** Whether the terminal has the blocks of a graph. */
  unicode: boolean;
}

/** From here on two blocks stand side by side. */
const WIDE = 72;
const LABEL_WIDTH = 12;
const VALUE_WIDTH = 11;

/** One number: its label, its words, and its graph. */
interface Row {
  label: string;
  value: string;
  graph?: SeriesName;
  alarm?: boolean;
}

/** The screen, `height` lines of `width` columns. */
export function drawTop(state: TopState, width: number, height: number): Line[] {
  const blank = line(width);
  const foot = [line(width, left(' q quit  up/down queues', width, 'dim'))];
  const top = [headLine(state.snapshot, width), ...(width < WIDE ? narrow(state, width) : wide(state, width))];
  const warnings = warningLines(state, width, height);
  const room = height - top.length - warnings.length - foot.length;
  const lower = lowerPart(state, width, room);
  const filling = Array.from({ length: Math.max(0, room - lower.length) }, () => blank);
  // A screen that is too low for all keeps its head, and what is wrong.
  const kept = top.slice(0, Math.max(1, height - warnings.length - foot.length));
  return [...kept, ...lower, ...filling, ...warnings, ...foot].slice(0, height);
}

function headLine(snapshot: Snapshot, width: number): Line {
  const { version, name, uptimeSeconds } = snapshot;
  const title = `clear-df ${version}${name === undefined ? '' : `  ${name}`}`;
  const up = `up ${duration(uptimeSeconds)}`;
  const long = `${queuesText(snapshot)}  ${up}`;
  const state = title.length + 2 + long.length <= width ? long : up;
  const room = Math.max(0, width - state.length - 1);
  return line(width, left(title, room, 'bold'), left('', 1), left(state, state.length));
}

function narrow(state: TopState, width: number): Line[] {
  const [packets, , cleared] = queueRows(state);
  const [, fastCleared] = fastRows(state);
  const [leaked, overrun] = lossRows(state);
  const [cpu, batch, , wrap] = processRows(state);
  const named = fastCleared && { ...fastCleared, label: 'fast path' };
  return [packets, cleared, named, leaked, overrun, cpu, batch, wrap].flatMap((row) =>
    row === undefined ? [] : [line(width, ...rowSpans(row, state, width))],
  );
}

function wide(state: TopState, width: number): Line[] {
  const half = Math.floor((width - 2) / 2);
  const other = width - 2 - half;
  const blocks = [
    ['QUEUE', queueRows(state), 'FAST PATH', fastRows(state)],
    ['LOSSES', lossRows(state), 'PROCESS', processRows(state)],
  ] as const;
  return blocks.flatMap(([leftTitle, leftRows, rightTitle, rightRows]) => [
    line(width, left(leftTitle, half, 'bold'), left('', 2), left(rightTitle, other, 'bold')),
    ...leftRows.map((row, i) => {
      const beside = rightRows[i];
      const spans = beside === undefined ? [] : rowSpans(beside, state, other);
      return line(width, ...rowSpans(row, state, half), left('', 2), ...spans);
    }),
  ]);
}

function rowSpans({ label, value, graph, alarm }: Row, state: TopState, width: number): Span[] {
  const style = alarm === true ? ('red' as const) : undefined;
  const mark = alarm === true ? '!' : ' ';
  const room = width - LABEL_WIDTH - VALUE_WIDTH - 1;
  const named = left(`${mark}${label}`, LABEL_WIDTH, style);
  // Words without a graph may be longer than a figure.
  if (graph === undefined && value.length > VALUE_WIDTH) return [named, left(` ${value}`, width - LABEL_WIDTH, style)];
  const drawn = graph === undefined ? '' : sparkline(state.history.recent(graph, room), room, state.unicode);
  return [named, right(value, VALUE_WIDTH, style), left('', 1), left(drawn, room, style ?? 'cyan')];
}

/** A series as a row, `-` while it is not known. */
function series(state: TopState, label: string, graph: SeriesName, words: (value: number) => string): Row {
  const value = SERIES[graph](state.snapshot, state.rates);
  return { label, value: value === undefined ? '-' : words(value), graph };
}

function queueRows(state: TopState): Row[] {
  return [
    series(state, 'packets', 'packets', perSecond),
    series(state, 'traffic', 'bytes', bitRate),
    series(state, 'cleared', 'cleared', perSecond),
    series(state, 'unchanged', 'unchanged', perSecond),
  ];
}

function fastRows(state: TopState): Row[] {
  if (state.snapshot.fastPath.length === 0) {
    return [
      { label: 'not used', value: '' },
      { label: '', value: '' },
      { label: '', value: '' },
      { label: '', value: '' },
    ];
  }
  return [
    series(state, 'packets', 'fastPackets', perSecond),
    series(state, 'cleared', 'fastCleared', perSecond),
    series(state, 'to queue', 'fastLeft', perSecond),
    { label: 'devices', value: count(new Set(state.snapshot.fastPath.map(({ device }) => device)).size) },
  ];
}

function lossRows(state: TopState): Row[] {
  const { totals } = state.snapshot;
  // Red as long as it happened in this run: what was lost an hour ago still is to be explained.
  const loss = (label: 'leaked' | 'overrun'): Row => ({
    ...series(state, label, label, perSecond),
    alarm: totals[label] > 0,
  });
  return [
    loss('leaked'),
    loss('overrun'),
    series(state, 'waiting', 'waiting', count),
    { label: 'in all', value: `${count(totals.leaked)} leaked, ${count(totals.overrun)} overrun` },
  ];
}

function processRows(state: TopState): Row[] {
  const { process, busiest } = state.snapshot;
  const wrapping = busiest !== undefined && busiest.wrapSeconds < REASSEMBLY_SECONDS;
  return [
    series(state, 'CPU', 'cpu', percent),
    series(state, 'batch', 'batch', (packets) => packets.toFixed(1)),
    { label: 'memory', value: process === undefined ? '-' : bytes(process.residentBytes) },
    { ...series(state, 'ids wrap', 'wrap', duration), alarm: wrapping },
  ];
}

function warningLines(state: TopState, width: number, height: number): Line[] {
  const { snapshot, rates, problem } = state;
  const { busiest } = snapshot;
  const said = [
    ...(problem === undefined ? [] : [problem]),
    ...adviceOn(snapshot, rates).flatMap(({ seen, remedy }) => [seen, `  ${remedy}`]),
  ];
  const shown = said.slice(0, height < 16 ? 1 : Math.max(2, height - 22));
  const who =
    busiest === undefined || width < WIDE || height < 16
      ? []
      : [
          `identifications wrap in ${duration(busiest.wrapSeconds)} at the busiest: to ${busiest.destination}, ` +
            `${protocolText(busiest.protocol)}, ${perSecond(busiest.perSecond)}`,
        ];
  return [
    ...who.map((text) => line(width, left(` ${text}`, width, 'dim'))),
    ...shown.map((text, i) =>
      line(
        width,
        left(`${text.startsWith(' ') ? ' ' : '!'}${text}`, width, i === 0 && problem !== undefined ? 'red' : 'yellow'),
      ),
    ),
  ];
}

/** The tables: places of the fast path are few, and have a third of the room at least. */
function lowerPart({ snapshot, rates, scroll }: TopState, width: number, height: number): Line[] {
  const [queues, places] = [queueTable(snapshot, rates), placeTable(snapshot, rates)];
  const third = Math.max(2, Math.floor(height / 3));
  const forPlaces = Math.min(wants(places, width), Math.max(third, height - wants(queues, width)));
  const placeLines = tableLines(places, width, Math.min(forPlaces, height - 2));
  return [...tableLines(queues, width, height - placeLines.length, scroll), ...placeLines];
}
