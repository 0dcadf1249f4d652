import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { ClearDfError, printable } from '../../src/errors.js';
import { type StatsServer, serveStats } from '../../src/report/http.js';
import { DEFAULT_LISTEN, parseFrom, parseListen, urlOf } from '../../src/report/listen.js';
import { readSnapshot } from '../../src/report/read.js';
import { snapshot } from './report-samples.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const NOW = snapshot({ queues: [{ queue: 0, counters: { packets: 42 } }] });

const opened: (StatsServer | Socket)[] = [];

async function serve(...[listen = LOOPBACK, take = () => NOW, onError]: Partial<Parameters<typeof serveStats>>) {
  const server = await serveStats(listen, take, onError);
  opened.push(server);
  return server;
}

afterEach(async () => {
  for (const one of opened.splice(0)) {
    if ('url' in one) await one.close();
    else one.destroy();
  }
});

async function open(server: StatsServer): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  opened.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes as they are and reads until the server closes. */
async function raw(server: StatsServer, request: string): Promise<string> {
  const socket = await open(server);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  socket.write(request);
  if (!socket.closed) await once(socket, 'close');
  return answer;
}

describe('parseListen', () => {
  test.each([
    ['127.0.0.1:9857', { host: '127.0.0.1', port: 9857 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:9857', { host: '::1', port: 9857 }],
    ['[fe80::1%eth0]:65535', { host: 'fe80::1%eth0', port: 65_535 }],
    ['off', 'off'],
  ])('%s', (text, expected) => {
    expect(parseListen(text)).toEqual(expected);
  });

  test.each([
    '',
    'on',
    '9857',
    ':9857',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '127.0.0.1:80x',
    '127.0.0.256:80',
    '127.1:80',
    'localhost:80',
    '::1:9857',
    '[::1]',
    '[127.0.0.1]:80',
    '[::g]:80',
    'http://127.0.0.1:80',
    ' 127.0.0.1:80',
    '127.0.0.1:80\n',
  ])('refuses %j, naming the option, the value and the accepted form', (text) => {
    expect(() => parseListen(text)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        object: '--metrics',
        message: expect.stringContaining(`'${printable(text)}' is not accepted; expected ADDR:PORT`) as string,
      }),
    );
  });

  test('--from has no off', () => {
    expect(() => parseFrom('off')).toThrow(/--from: 'off' is not accepted; expected ADDR:PORT such as \S+ or \S+$/);
  });

  test('the default is loopback', () => {
    expect(parseListen(DEFAULT_LISTEN)).toEqual({ host: '127.0.0.1', port: 9857 });
  });

  test('urlOf', () => {
    expect([urlOf({ host: '::1', port: 1 }), urlOf({ host: '10.0.0.1', port: 2 })]).toEqual([
      'http://[::1]:1',
      'http://10.0.0.1:2',
    ]);
  });
});

describe('what is served', () => {
  test('/stats: the snapshot as JSON', async () => {
    const response = await fetch(`${(await serve()).url}/stats`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(readSnapshot(await response.json())).toEqual(NOW);
  });

  test('/metrics in the exposition format', async () => {
    const response = await fetch(`${(await serve()).url}/metrics?ignored=1`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toContain('clear_df_packets_total{queue="0"} 42');
  });

  test('HEAD: the length and no body', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/stats`, { method: 'HEAD' });
    const whole = await (await fetch(`${url}/stats`)).text();
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(whole)));
    expect(await response.text()).toBe('');
  });

  test.each(['/stat', '/stats/', '/metrics/../etc/passwd', '//metrics', '/%2e', `/${'a'.repeat(4000)}`])(
    '%s is not found',
    async (target) => {
      expect(await raw(await serve(), `GET ${target} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('%s is not allowed', async (method) => {
    const answer = await raw(
      await serve(),
      `${method} /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nabc`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer).toMatch(/\r\nAllow: GET, HEAD\r\n/i);
  });

  test('IPv6', async () => {
    const server = await serve({ host: '::1', port: 0 });
    expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await fetch(`${server.url}/stats`)).status).toBe(200);
  });
});

describe('clients that do not behave', () => {
  test('HTTP/1.0 without a host is answered and closed', async () => {
    expect(await raw(await serve(), 'GET /metrics HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [^]*packets_total/);
  });

  test('a target in absolute form', async () => {
    const server = await serve();
    expect(await raw(server, 'GET http://127.0.0.1:9/stats HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(server, 'GET http://localhost HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    ['a path longer than any header may be', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a broken header', 'GET / HTTP/1.1\r\nHost: localhost\r\n: :\x00\r\n\r\n', 400],
  ])('%s', async (_, request, status) => {
    const server = await serve();
    expect(await raw(server, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(server.url)).status).toBe(200);
  });

  test('CONNECT is closed', async () => {
    expect(await raw(await serve(), 'CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n')).not.toContain('200');
  });

  test('a request that never ends is cut off, and others are served meanwhile', async () => {
    const server = await serve();
    const slow = await open(server);
    let answer = '';
    slow.setEncoding('latin1').on('data', (text: string) => (answer += text));
    slow.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    expect((await fetch(server.url)).status).toBe(200);
    await once(slow, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('more silent connections than it takes keep nobody out: the one that waits for longest goes', async () => {
    const server = await serve();
    const regular = await open(server);
    const many = await Promise.all(Array.from({ length: 200 }, () => open(server)));
    expect((await fetch(`${server.url}/stats`)).status).toBe(200);
    await expect.poll(() => many.filter((socket) => socket.closed).length).toBeGreaterThan(130);
    expect(regular.closed).toBe(true);
    expect(many.at(-1)?.closed).toBe(false);
  });

  test('requests that do not wait for answers end their connection: a packet full of them is not worked off', async () => {
    let readings = 0;
    const server = await serve(LOOPBACK, () => ((readings += 1), NOW));
    for (const target of ['/stats', '/metrics', '/events', '/']) {
      const before = readings;
      await raw(server, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(500));
      expect(readings - before, target).toBeLessThanOrEqual(1);
    }
    // One after the other they are answered, on one connection.
    const socket = await open(server);
    for (let i = 0; i < 50; i += 1) {
      socket.write('GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  test.each([
    ['localhost', 200],
    ['LOCALHOST:9999', 200],
    ['127.8.9.10:80', 200],
    ['[::1]:9857', 200],
    ['[0:0:0:0:0:0:0:1]', 200],
    ['rebound.example', 403],
    ['localhost.example:9857', 403],
    ['127.0.0.1.example', 403],
    ['localhost@evil.example', 403],
    ['10.0.0.1', 403],
    ['', 403],
  ])('asked as %s: %i', async (host, status) => {
    const answer = await raw(await serve(), `GET /stats HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.includes('"packets":42')).toBe(status === 200);
  });

  test('on every address, it is asked for by the one that the connection came to, and by no page of another', async () => {
    const server = await serve({ host: '::', port: 0 });
    const ask = (host: string) => raw(server, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(await ask('127.0.0.1\r\nOrigin: http://127.0.0.1:9857')).toMatch(/^HTTP\/1\.1 200 /);
    for (const page of ['http://other.example', 'null'])
      expect(await ask(`127.0.0.1\r\nOrigin: ${page}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await ask('router.example')).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('a reading that fails is a 500, logged once, and the next one is good', async () => {
    const told: unknown[] = [];
    let broken = true;
    const take = () => {
      if (broken) throw new Error('no counters');
      return NOW;
    };
    const { url } = await serve(LOOPBACK, take, (error) => told.push(error));
    for (const target of ['stats', 'metrics']) expect((await fetch(`${url}/${target}`)).status).toBe(500);
    expect(told.map(String)).toEqual(['Error: no counters', 'Error: no counters']);
    broken = false;
    expect((await fetch(`${url}/stats`)).status).toBe(200);
  });
});

describe('listening', () => {
  test('a port that is taken is a conflict', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const failed = await serveStats({ host: '127.0.0.1', port }, () => NOW).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(ClearDfError);
      expect(failed).toMatchObject({ code: 'CONFLICT', errno: 'EADDRINUSE', object: `http://127.0.0.1:${port}` });
    } finally {
      other.close();
    }
  });

  test("an address that is not this machine's", async () => {
    await expect(serveStats({ host: '192.0.2.1', port: 0 }, () => NOW)).rejects.toMatchObject({
      code: 'ENVIRONMENT',
      errno: 'EADDRNOTAVAIL',
    });
  });

  test('close ends idle and half-open connections and frees the port; twice is once', async () => {
    const server = await serve();
    const [idle, half] = [await open(server), await open(server)];
    idle.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(idle, 'data');
    half.write('GET / HT');
    const ended = [once(idle, 'close'), once(half, 'close')];
    idle.resume();
    half.resume();
    await Promise.all([server.close(), server.close(), ...ended]);
    const { port } = new URL(server.url);
    expect((await serve({ host: '127.0.0.1', port: Number(port) })).url).toBe(server.url);
  });

  test('does not hold a process that has nothing else to do', async () => {
    const http = path.resolve('src/report/http.ts');
    const program = `
      const { serveStats } = await import(${JSON.stringify(http)});
      await serveStats({ host: '127.0.0.1', port: 0 }, () => { throw new Error('unused'); });
      process.stdout.write('listening');`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 180_000 });
    expect(stdout).toBe('listening');
  });
});
