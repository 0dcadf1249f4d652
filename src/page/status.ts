/** The status page: `/events` in, numbers and graphs out. */
import { adviceOn } from '../report/advice.js';
import type { HistoryColumns } from '../report/history.js';
import { bitRate, bytes, count, duration, percent, perSecond, protocolText } from '../report/human.js';
import { placeTable, queueTable } from '../report/now.js';
import { queuesText } from '../report/queues.js';
import type { Point } from '../report/sampler.js';
import { REASSEMBLY_SECONDS, SERIES, type SeriesName } from '../report/series.js';
import { charts } from './charts.js';
import { element, existing, mark } from './element.js';
import { emptyHistory, joined, withPoint } from './model.js';
import { showTable } from './tables.js';

/** Where the browser stops reconnecting: something else answers. */
const ASK_AGAIN_MS = 5000;

let history = emptyHistory();
const draw = charts(existing('charts'));

function say(state: string, alarm = false): void {
  existing('state').textContent = state;
  mark(existing('state'), alarm);
}

interface Tile {
  label: string;
  value: string;
  more?: string;
  alarm?: boolean;
}

function tilesOf(point: Point): Tile[] {
  const { totals, process, busiest, fastPath } = point;
  const rate = (series: SeriesName, words: (value: number) => string) => {
    const value = SERIES[series](point, point.rates);
    return value === undefined ? '-' : words(value);
  };
  const fastCleared = fastPath.reduce((sum, { counters }) => sum + counters.cleared, 0);
  const loss = (name: 'leaked' | 'overrun'): Tile => ({
    ...{ label: name, value: rate(name, perSecond), more: `${count(totals[name])} in all`, alarm: totals[name] > 0 },
  });
  return [
    { label: 'packets', value: rate('packets', perSecond), more: `${count(totals.packets)} in all` },
    { label: 'traffic', value: rate('bytes', bitRate), more: `${bytes(totals.bytes)} in all` },
    { label: 'DF cleared', value: rate('cleared', perSecond), more: `${count(totals.cleared)} in all` },
    ...(fastPath.length === 0
      ? []
      : [{ label: 'by the fast path', value: rate('fastCleared', perSecond), more: `${count(fastCleared)} in all` }]),
    loss('leaked'),
    loss('overrun'),
    { label: 'waiting', value: rate('waiting', count), more: 'packets' },
    {
      label: 'identifications wrap in',
      value: rate('wrap', duration),
      ...(busiest === undefined ? {} : { more: `to ${busiest.destination}, ${protocolText(busiest.protocol)}` }),
      alarm: busiest !== undefined && busiest.wrapSeconds < REASSEMBLY_SECONDS,
    },
    { label: 'CPU', value: rate('cpu', percent), more: 'of one core' },
    { label: 'batch', value: rate('batch', (packets) => packets.toFixed(1)), more: 'packets' },
    ...(process === undefined ? [] : [{ label: 'memory', value: bytes(process.residentBytes), more: 'resident' }]),
  ];
}

function showTiles(tiles: readonly Tile[]): void {
  const made = tiles.map(({ label, value, more, alarm }) => {
    const figure = element('dd', value);
    if (more !== undefined) figure.append(element('small', more));
    const tile = element('div');
    tile.append(element('dt', label), figure);
    mark(tile, alarm);
    return tile;
  });
  existing('now').replaceChildren(...made);
}

function showWarnings(point: Point): void {
  const list = adviceOn(point, point.rates).map(({ seen, remedy }) => {
    const item = element('li', seen);
    item.append(element('small', remedy));
    return item;
  });
  existing('warnings').replaceChildren(...list);
}

function show(point: Point): void {
  document.title = point.name === undefined ? 'clear-df' : `clear-df ${point.name}`;
  existing('name').textContent = point.name ?? '';
  existing('about').textContent = `${point.version}, ${queuesText(point)}, up ${duration(point.uptimeSeconds)}`;
  showWarnings(point);
  showTiles(tilesOf(point));
  draw(history);
  const graphs = point.queues.map(({ queue }) => history.queues[queue] ?? []);
  showTable(existing('queues'), queueTable(point, point.rates), graphs);
  existing('places-section').hidden = point.fastPath.length === 0;
  showTable(existing('places'), placeTable(point, point.rates));
}

function watch(): void {
  const source = new EventSource('events');
  source.addEventListener('history', ({ data }: MessageEvent<string>) => {
    history = joined(history, JSON.parse(data) as HistoryColumns);
  });
  source.addEventListener('point', ({ data }: MessageEvent<string>) => {
    const point = JSON.parse(data) as Point;
    history = withPoint(history, point);
    show(point);
    say('live');
  });
  source.addEventListener('error', () => {
    say('no connection, trying again', true);
    if (source.readyState === EventSource.CLOSED) setTimeout(watch, ASK_AGAIN_MS);
  });
}

watch();
