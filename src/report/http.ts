/** The little server of the status page, `/metrics` and `/stats`. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { ClearDfError } from '../errors.js';
import { ASSETS, CONTENT_SECURITY_POLICY, readAsset } from './assets.js';
import { EventStreams } from './events.js';
import { type Listen, urlOf } from './listen.js';
import { createMetrics } from './metrics.js';
import { Sampler } from './sampler.js';
import type { Snapshot } from './snapshot.js';

/** A client gets this long to send its request, to read the answer, and to ask again. */
const HEADERS_TIMEOUT_MS = 5000;
const IDLE_TIMEOUT_MS = 10_000;
/** So many may be open. One more ends the one that has been silent for longest: who is slow keeps nobody out. */
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8192;
/** An answer that is under way when the server closes gets this long to leave. */
const CLOSE_GRACE_MS = 500;

export interface StatsServer {
  /** `http://127.0.0.1:9857`, with the port that was taken. */
  readonly url: string;
  /** Ends idle connections at once and the others shortly after; safe to call twice. */
  close(): Promise<void>;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

type Route = () => Answer | Promise<Answer>;

/**
 * Serves the status page with its `/events`, `/metrics` and `/stats`, for GET and HEAD only. Does not hold the process alive, and never
 * throws once it listens: what goes wrong later goes to `onError`, and to the client as a 500.
 * @param take takes a snapshot, once for each request
 * @param sampler whose history the status page shows; who made it starts and stops it
 * @throws ClearDfError CONFLICT when the port is taken, ENVIRONMENT when the address is not this machine's, PRIVILEGE
 * when the port is reserved for root
 */
export async function serveStats(
  listen: Listen,
  take: () => Snapshot,
  onError: (error: unknown) => void = () => undefined,
  sampler = new Sampler(take),
): Promise<StatsServer> {
  const routes = makeRoutes(take);
  const streams = new EventStreams(sampler);
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 1000 },
    (request, response) => {
      if (isAlone(request, response)) void respond({ routes, streams, listen, onError }, request, response);
    },
  );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = HEADERS_TIMEOUT_MS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  makeRoom(server);
  await bind(server, listen);
  server.on('error', onError);
  server.unref();
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return { url: urlOf({ host: listen.host, port }), close: () => (closing ??= close(server, streams)) };
}

function makeRoutes(take: () => Snapshot): Map<string, Route> {
  const metrics = createMetrics(take);
  const assets = Object.entries(ASSETS).map(([at, asset]): [string, Route] => {
    const answer = { status: 200, type: asset.type, body: readAsset(asset) };
    return [at, () => answer];
  });
  return new Map<string, Route>([
    ...assets,
    ['/metrics', async () => ({ status: 200, type: metrics.contentType, body: await metrics.metrics() })],
    ['/stats', () => ({ status: 200, type: 'application/json', body: `${JSON.stringify(take())}\n` })],
  ]);
}

/** Ends the connection that has waited for longest when there are too many. One that asks goes to the end of the line. */
function makeRoom(server: Server): void {
  const line = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.unref();
    line.add(socket);
    socket.once('close', () => line.delete(socket));
    const [longest] = line;
    if (line.size > MAX_CONNECTIONS) longest?.destroy();
    if (line.size > MAX_CONNECTIONS && longest !== undefined) line.delete(longest);
  });
  server.on('request', ({ socket }: IncomingMessage) => {
    line.delete(socket);
    if (!socket.destroyed) line.add(socket);
  });
}

/**
 * Ends a connection on which one request follows another before that is answered (pipelining). A single packet has hundreds
 * of them, and Node hands them over without a pause: no signal or timer would get a turn, and all answers be held at once.
 */
function isAlone({ socket }: IncomingMessage, response: ServerResponse): boolean {
  // Node gives it to a response when it is its turn.
  if (response.socket === null) socket.destroy();
  return !socket.destroyed;
}

interface Service {
  routes: Map<string, Route>;
  streams: EventStreams;
  listen: Listen;
  onError: (error: unknown) => void;
}

async function respond(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const named = isNamed(request, service.listen);
    if (named && reading && pathOf(request.url) === '/events') {
      stream(service, request, response);
      return;
    }
    const answer = !named
      ? plain(403, FOREIGN_HOST)
      : reading
        ? await find(service.routes, pathOf(request.url))
        : plain(405, 'only GET and HEAD');
    response.writeHead(answer.status, {
      'Content-Type': answer.type,
      'Content-Length': Buffer.byteLength(answer.body),
      ...COMMON_HEADERS,
      // A body that nobody asked for is not waited for.
      ...(reading && named ? {} : { Connection: 'close' }),
      ...(reading ? {} : { Allow: 'GET, HEAD' }),
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  } catch (error) {
    service.onError(error);
    if (!response.headersSent) response.writeHead(500, { 'Content-Type': 'text/plain', Connection: 'close' });
    response.end('the statistics could not be read; see the log of clear-df\n');
  }
}

const COMMON_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};

function stream({ streams }: Service, { method }: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', ...COMMON_HEADERS });
  if (method === 'HEAD') response.end();
  else streams.add(response);
}

const FOREIGN_HOST = 'ask by the address that these statistics are served at, or by localhost';

/**
 * Whether a request names this server, and no other, by loopback or by its own address. A web page that somebody looks at
 * here can make its own name lead to this server (DNS rebinding), or have the browser ask here, which it could not read,
 * but which takes the place of a viewer: the browser tells the page's name.
 */
function isNamed({ headers, url = '', socket }: IncomingMessage, { host }: Listen): boolean {
  const origin = headers.origin?.replace(/^https?:\/\//i, '');
  const names = [headers.host, origin, /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]].filter((name) => name !== undefined);
  const own = ['localhost', '[::1]', ...[host, socket.localAddress ?? host].map((address) => hostOf(written(address)))];
  return names.every((name) => {
    const asked = hostOf(name)?.replace(/\.$/, '');
    return asked !== undefined && (own.includes(asked) || (isIP(asked) === 4 && asked.startsWith('127.')));
  });
}

/** The host of `HOST:PORT` in its one spelling; undefined when it is none. */
function hostOf(authority: string): string | undefined {
  try {
    return new URL(`http://${authority}`).hostname;
  } catch {
    return undefined;
  }
}

/** An address as a URL has it: without its zone, and IPv4 as such where a socket for both families has it as IPv6. */
function written(address: string): string {
  const plain = address.replace(/%.*/, '').replace(/^::ffff:(?=[\d.]+$)/, '');
  return isIP(plain) === 6 ? `[${plain}]` : plain;
}

/** The path of a target, which may be absolute. */
function pathOf(target = ''): string {
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(target)?.[1];
  return (absolute ?? target).split('?', 1)[0] || '/';
}

function find(routes: Map<string, Route>, path: string): Answer | Promise<Answer> {
  return routes.get(path)?.() ?? plain(404, 'there are /, /metrics and /stats');
}

function plain(status: number, words: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${words}\n` };
}

async function bind(server: Server, listen: Listen): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(explainBind(error, listen));
    server.once('error', fail);
    server.listen({ ...listen, exclusive: true }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function explainBind(error: NodeJS.ErrnoException, listen: Listen): ClearDfError {
  const common = {
    operation: 'listen on',
    object: urlOf(listen),
    ...(error.code === undefined ? {} : { errno: error.code }),
    cause: error,
  };
  switch (error.code) {
    case 'EADDRINUSE':
      return new ClearDfError({
        ...common,
        code: 'CONFLICT',
        reason: 'another program has this address and port',
        hint: `choose another with --metrics ADDR:PORT, or --metrics off; ss -ltnp 'sport = :${listen.port}' shows who`,
      });
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return new ClearDfError({
        ...common,
        code: 'ENVIRONMENT',
        reason: 'this machine does not have that address',
        hint: 'see ip address, or leave --metrics out for loopback',
      });
    case 'EACCES':
    case 'EPERM':
      return new ClearDfError({
        ...common,
        code: 'PRIVILEGE',
        reason: 'this user may not take that port',
        hint: 'choose a port from 1024 on with --metrics ADDR:PORT',
      });
    default:
      return new ClearDfError({ ...common, code: 'RUNTIME', reason: 'the kernel refused' });
  }
}

async function close(server: Server, streams: EventStreams): Promise<void> {
  await new Promise<void>((resolve) => {
    streams.close();
    // Not unref'd: with every socket unref'd it is what keeps the process until the last one is gone.
    const late = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(late);
      resolve();
    });
    server.closeIdleConnections();
  });
}
