/** The status page as it is served: its files, `/events`, and what its readers cannot do. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { emptyHistory, joined, withPoint } from '../../src/page/model.js';
import { type StatsServer, serveStats } from '../../src/report/http.js';
import type { HistoryColumns } from '../../src/report/history.js';
import { readSnapshot } from '../../src/report/read.js';
import { type Point, Sampler } from '../../src/report/sampler.js';
import type { Snapshot } from '../../src/report/snapshot.js';
import { MORE } from '../helpers/more.js';
import { until } from '../helpers/until.js';
import { snapshot } from './report-samples.js';

let readings = 0;
/** Each reading is five seconds and 500 packets later. */
const take = (queues = 1): Snapshot => {
  readings++;
  return snapshot({
    queues: Array.from({ length: queues }, (_, queue) => ({ queue, counters: { packets: 500 * readings } })),
    parts: { uptimeSeconds: 5 * readings },
  });
};

const opened: { close(): unknown }[] = [];

async function serve(reading = () => take(), seconds = 0.02): Promise<{ server: StatsServer; sampler: Sampler }> {
  readings = 0;
  const sampler = new Sampler(reading, undefined, seconds);
  const server = await serveStats({ host: '127.0.0.1', port: 0 }, reading, undefined, sampler);
  opened.push(server, { close: () => sampler.stop() });
  return { server, sampler };
}

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** A reader of `/events`, and what it was told. */
class Reader {
  text = '';
  ended = false;
  constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (part: string) => (this.text += part));
    response.on('close', () => (this.ended = true)).on('error', () => undefined);
    opened.push({ close: () => response.destroy() });
  }

  static async open(server: StatsServer): Promise<Reader> {
    const asked = request(`${server.url}/events`, { agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return new Reader(response);
  }

  events(name: string): unknown[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n\n') + 2);
    const found = whole.matchAll(new RegExp(`^event: ${name}\ndata: (.*)\n\n`, 'gm'));
    return [...found].map(([, data = '']) => JSON.parse(data) as unknown);
  }
}

describe('the files', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', '<title>clear-df</title>'],
    ['/status.js', 'text/javascript; charset=utf-8', 'EventSource'],
    ['/status.css', 'text/css; charset=utf-8', 'prefers-color-scheme'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('%s is served with a strict policy', async (at, type, has) => {
    const response = await fetch(`${(await serve()).server.url}${at}`);
    expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({ status: 200, type });
    const policy = response.headers.get('content-security-policy') as string;
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(await response.text()).toContain(has);
  });

  it('the page has nothing inline, and nothing from elsewhere', async () => {
    const { url } = (await serve()).server;
    const page = await (await fetch(url)).text();
    expect(page).not.toMatch(/ style=| on\w+=|<style|<script[^>]*>[^<]/);
    expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, at]) => at).sort()).toEqual(
      ['icon.svg', 'metrics', 'stats', 'stats', 'status.css', 'status.js'].sort(),
    );
    const style = await (await fetch(`${url}/status.css`)).text();
    expect(style).not.toMatch(/url\(|@import/);
  });
});

describe('/events', () => {
  it('sends the history, then each reading with its rates, as /stats and stats --watch have them', async () => {
    const { server, sampler } = await serve();
    sampler.start();
    await until('some readings are kept', () => sampler.history.columns().times.length > 3);
    const reader = await Reader.open(server);
    expect(reader.response.headers['content-type']).toBe('text/event-stream');
    await until('three readings came', () => reader.events('point').length >= 3);
    const [history] = reader.events('history') as [HistoryColumns];
    expect(history.times.length).toBeGreaterThan(3);
    expect(history.series.packets.slice(1)).toEqual(history.times.slice(1).map(() => 100));
    expect(history.queues['0']?.length).toBe(history.times.length);
    const points = reader.events('point') as Point[];
    expect(readSnapshot(points[1])).toBeDefined();
    expect(points.slice(1).map(({ rates }) => rates?.counters.packets)).toEqual(points.slice(1).map(() => 100));
  });

  it('keeps an hour and no more, of however many queues', () => {
    readings = 0;
    const { history } = new Sampler(() => take());
    for (let i = 0; i < 800; i++) history.add(take(257), undefined);
    const { times } = history.columns();
    expect(times).toHaveLength(720);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(719 * 5);
  });

  it('takes 16 readers at once; one more ends the oldest, also of those that never read', async () => {
    const { server, sampler } = await serve();
    sampler.start();
    const oldest = connect(Number(new URL(server.url).port), '127.0.0.1');
    opened.push({ close: () => oldest.destroy() });
    oldest.on('error', () => undefined).write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(oldest, 'readable');
    const readers: Reader[] = [];
    for (let i = 0; i < 16; i++) readers.push(await Reader.open(server));
    await until('each of the others is told', () => readers.every((reader) => reader.events('point').length > 1));
    expect(readers.map(({ ended }) => ended)).not.toContain(true);
    const gone = once(oldest, 'close');
    oldest.resume();
    await gone;
  });

  // It takes the ten seconds after which a reader is cut off.
  if (MORE)
    it('a reader that does not read is cut off, gets nothing kept for it, and keeps nobody waiting', async () => {
      const { server, sampler } = await serve(() => take(257), 0.005);
      sampler.start();
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      opened.push({ close: () => socket.destroy() });
      const gone = once(socket, 'close');
      socket.on('error', () => undefined);
      // Nobody reads what comes: the kernel's buffers fill, then the server's.
      socket.pause();
      socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const reader = await Reader.open(server);
      await until('the other is told', () => reader.events('point').length > 3);
      reader.response.destroy();
      // What is cut off is seen only by who reads on: the server's side ends by itself.
      await until('it is cut off', async () => (await connections(server)) === 0);
      socket.resume();
      await gone;
    });

  it('ends with the server, and is refused to a foreign name', async () => {
    const { server, sampler } = await serve();
    sampler.start();
    const reader = await Reader.open(server);
    await until('it is told', () => reader.events('point').length > 0);
    const asked = request(`${server.url}/events`, { headers: { Host: 'rebound.example' } }).end();
    const [foreign] = (await once(asked, 'response')) as [IncomingMessage];
    expect(foreign.statusCode).toBe(403);
    foreign.resume();
    await server.close();
    await until('it has ended', () => reader.ended);
  });
});

/** Established connections to the server, by the kernel's table. */
async function connections({ url }: StatsServer): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
  return lines.filter((line) => new RegExp(`^ *\\d+: 0100007F:${port} \\S+ 01 `).test(line)).length;
}

describe('what the page keeps', () => {
  const at = (startedAt: number, uptimeSeconds: number): Point => ({
    ...snapshot({
      queues: [{ queue: 0, counters: { packets: 10 * uptimeSeconds } }],
      parts: { startedAt, uptimeSeconds },
    }),
  });
  const hour = (start: number, readingsOfIt: number) => {
    let history = emptyHistory();
    for (let i = 1; i <= readingsOfIt; i++) history = withPoint(history, at(start, 5 * i));
    return history;
  };

  it('is an hour at most, each time once', () => {
    const history = hour(1000, 900);
    expect(history.times).toHaveLength(720);
    expect(withPoint(history, at(1000, 4500))).toBe(history);
    expect(history.series.packets).toHaveLength(720);
  });

  it('goes on where the service was started anew, with a gap for the time between', () => {
    const before = hour(1000, 10);
    const after = joined(before, emptyHistory());
    expect(after).toEqual(before);
    const history = withPoint(after, at(1100, 5));
    expect(history.times.slice(-3)).toEqual([1050, 1051, 1105]);
    expect(history.series.waiting.slice(-3)).toEqual([0, null, 0]);
  });

  it('takes the server’s readings for its own where both have them', () => {
    const before = hour(1000, 10);
    const fresh = hour(1000, 12);
    expect(joined(before, fresh)).toEqual(fresh);
  });

  it('has unknown for a queue of a time in which there was none', () => {
    const history = withPoint(hour(1000, 2), { ...at(1000, 15), rates: undefined as never });
    expect(history.times).toHaveLength(3);
    expect(Object.values(history.series).every((column) => column.length === 3)).toBe(true);
    expect(Object.values(history.queues).every((column) => column.length === 3)).toBe(true);
  });
});
