/** `clear-df stats` against a server that serves made-up counters. */
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type StatsOptions, printStats, statsCommand } from '../../src/cli/stats.js';
import { type StatsServer, serveStats } from '../../src/report/http.js';
import type { Snapshot } from '../../src/report/snapshot.js';
import { snapshot } from './report-samples.js';

let readings = 0;
const take = (): Snapshot => {
  readings++;
  return snapshot({
    queues: [{ queue: 0, counters: { packets: 100 * readings } }],
    parts: { uptimeSeconds: readings },
  });
};

let server: StatsServer;
let from: StatsOptions['from'];
const stop = { signal: new AbortController().signal, now: () => undefined as void };

class Sink {
  text = '';
  isTTY = false;
  onWrite: (() => void) | undefined;
  write(text: string): void {
    this.text += text;
    this.onWrite?.();
  }
}

let out: Sink;
let words: Sink;

beforeEach(async () => {
  readings = 0;
  server = await serveStats({ host: '127.0.0.1', port: 0 }, take);
  from = { host: '127.0.0.1', port: Number(new URL(server.url).port) };
  [out, words] = [new Sink(), new Sink()];
  const controller = new AbortController();
  stop.signal = controller.signal;
  stop.now = () => controller.abort();
});
afterEach(async () => {
  stop.now();
  vi.unstubAllEnvs();
  await server.close();
});

/** Watches until the output holds `count` readings. */
async function watch(count: number, options: Partial<StatsOptions> = {}): Promise<string> {
  out.onWrite = () => {
    if (readings >= count) stop.now();
  };
  await printStats({ from, watch: 0.1, ...options }, out, words, stop.signal);
  return out.text;
}

describe('once', () => {
  test('the text', async () => {
    await printStats({ from }, out, words, stop.signal);
    expect(out.text).toMatch(/^clear-df 1\.2\.3\n[^]*\n {2}packets +100 +100\/s\n/);
    expect(out.text).not.toContain('\x1b');
    expect(out.text).not.toContain('malformed');
    expect(words.text).toBe('');
  });

  test('--all', async () => {
    await printStats({ from, all: true }, out, words, stop.signal);
    expect(out.text).toContain('malformed');
  });

  test('--json: the snapshot', async () => {
    await printStats({ from, json: true }, out, words, stop.signal);
    expect(JSON.parse(out.text)).toMatchObject({ version: '1.2.3', totals: { packets: 100 } });
  });

  test.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ TERM: 'dumb' }, false],
  ])('colour on a terminal with %j: %j', async (env, coloured) => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    out.isTTY = true;
    await printStats({ from }, out, words, stop.signal);
    expect(out.text.includes('\x1b[1m')).toBe(coloured);
  });
});

describe('--watch', () => {
  test('appends, with rates from the second reading on', async () => {
    const frames = (await watch(3)).split(/^(?=clear-df )/m);
    expect(frames).toHaveLength(3);
    expect(frames[0]).toMatch(/mean$/m);
    expect(frames[1]).toMatch(/last 1 s$/m);
    expect(frames[2]).toMatch(/^ {2}packets +300 +100\/s$/m);
  });

  test('redraws on a terminal, leaving nothing of the frame before', async () => {
    out.isTTY = true;
    const text = await watch(3);
    // oxlint-disable-next-line no-control-regex -- what steers a terminal is what is looked for
    expect(text).toMatch(/^\x1b\[2J\x1b\[H[^]*\x1b\[J\x1b\[H[^]*\x1b\[J\x1b\[H[^]*\x1b\[J$/);
  });

  test('--json: one object on each line, with rates from the second on', async () => {
    const lines = (await watch(3, { json: true })).trimEnd().split('\n');
    const objects = lines.map((line) => JSON.parse(line) as { totals: object; rates?: object });
    expect(objects.map(({ totals }) => totals)).toMatchObject([{ packets: 100 }, { packets: 200 }, { packets: 300 }]);
    expect(objects.map(({ rates }) => rates)).toMatchObject([undefined, { counters: { packets: 100 } }, {}]);
  });

  test('waits for a daemon that goes away, says so once, and goes on', async () => {
    const misses: string[] = [];
    out.onWrite = () => {
      if (readings === 1) void server.close();
      if (readings === 2) stop.now();
    };
    words.onWrite = () => {
      misses.push(words.text);
      setTimeout(() => void serveStats(from, take).then((again) => (server = again)), 300);
    };
    await printStats({ from, watch: 0.1 }, out, words, stop.signal);
    expect(misses).toEqual([
      expect.stringMatching(/^clear-df: read statistics: nothing answers at \S+ \(ECONNREFUSED\); waiting for it\n$/),
    ]);
    expect(out.text.match(/^clear-df 1/gm)).toHaveLength(2);
  });

  test('a pipe that nobody reads gets no more readings, and none waits in memory', async () => {
    let looks = 0;
    Object.defineProperty(out, 'writableNeedDrain', {
      get: () => {
        looks += 1;
        if (looks === 3) stop.now();
        return true;
      },
    });
    await printStats({ from, watch: 0.1 }, out, words, stop.signal);
    expect({ readings, frames: out.text.match(/^clear-df 1/gm)?.length }).toEqual({ readings: 1, frames: 1 });
  });

  test('a signal while it waits ends it', async () => {
    out.onWrite = () => setImmediate(stop.now);
    await printStats({ from, watch: 3600 }, out, words, stop.signal);
    expect(readings).toBe(1);
  });
});

describe('what it cannot read', () => {
  test('nothing listens', async () => {
    await server.close();
    await expect(printStats({ from }, out, words, stop.signal)).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      message: `read statistics: nothing answers at http://127.0.0.1:${from.port}/stats (ECONNREFUSED)`,
      hint: expect.stringContaining('--from') as string,
    });
    expect(out.text).toBe('');
  });

  test.each([
    ['a page', 200, 'ENVIRONMENT', '<html></html>'],
    ['JSON of another kind', 200, 'ENVIRONMENT', '{"packets":3}'],
    ['no such path', 404, 'ENVIRONMENT', '{}'],
    ['another place', 302, 'ENVIRONMENT', ''],
    ['a daemon that fails', 500, 'RUNTIME', 'sorry'],
  ])('%s', async (_, status, code, body) => {
    const other = createServer((_request, response) => {
      response.writeHead(status, { Location: '/elsewhere', Connection: 'close' }).end(body);
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = { host: '127.0.0.1', port: (other.address() as AddressInfo).port };
    try {
      await expect(printStats({ from: address }, out, words, stop.signal)).rejects.toMatchObject({ code });
    } finally {
      other.close();
    }
  });

  test('a service that speaks no HTTP is no silence', async () => {
    const ssh = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await once(ssh, 'listening');
    const address = { host: '127.0.0.1', port: (ssh.address() as AddressInfo).port };
    const reading = printStats({ from: address }, out, words, stop.signal);
    await expect(reading.finally(() => ssh.close())).rejects.toMatchObject({
      ...{
        code: 'ENVIRONMENT',
        reason: expect.stringMatching(/^what answers at .* \(not by HTTP\) is not a clear-df/) as string,
      },
    });
  });

  test('an answer without end is given up', async () => {
    let sent = 0;
    const endless = createServer((_request, response) => {
      response.on('error', () => undefined);
      const more = (): void => {
        while (response.writable && response.write('['.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    }).listen(0, '127.0.0.1');
    await once(endless, 'listening');
    const address = { host: '127.0.0.1', port: (endless.address() as AddressInfo).port };
    try {
      const reading = printStats({ from: address }, out, words, stop.signal);
      await expect(reading).rejects.toMatchObject({ code: 'ENVIRONMENT' });
      // 4 MiB and what the sockets hold.
      expect(sent).toBeLessThan(64 * 1024 * 1024);
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });
});

describe('the command', () => {
  const parse = (...args: string[]) => {
    const command = statsCommand().exitOverride();
    command.configureOutput({ writeErr: () => undefined, outputError: () => undefined });
    let options: unknown;
    command.action((given: unknown) => {
      options = given;
    });
    command.parse(args, { from: 'user' });
    return options;
  };

  test('its options', () => {
    const loopback = { host: '127.0.0.1', port: 9857 };
    expect(parse()).toEqual({ from: loopback });
    expect(parse('--watch')).toEqual({ from: loopback, watch: 1 });
    expect(parse('--watch', '2.5', '--json', '--all')).toEqual({ from: loopback, watch: 2.5, json: true, all: true });
    expect(parse('--watch', '--json')).toEqual({ from: loopback, watch: 1, json: true });
    expect(parse('--from', '[::1]:80')).toEqual({ from: { host: '::1', port: 80 } });
  });

  test.each([
    [['--watch', '0'], '--watch'],
    [['--watch', '3601'], '--watch'],
    [['--watch', '1e3'], '--watch'],
    [['--watch', 'often'], '--watch'],
    [['--from', 'localhost'], '--from'],
    [['--from', 'off'], '--from'],
  ])('refuses %j', (args, object) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'USAGE', object }));
  });

  test.each([[['--form', 'x']], [['extra']]])('refuses %j', (args) => {
    expect(() => parse(...args)).toThrow();
  });
});
