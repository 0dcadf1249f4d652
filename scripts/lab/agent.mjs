/**
 * Runs inside a guest and does what the host asks: one JSON object per line, both ways, over a virtio-serial port.
 * Bytes travel in base64. Never a shell: commands are argument lists.
 *
 *   run    {id, argv, env?, timeout?, input?}  →  {id, exitCode, signal, timedOut, stdout, stderr}
 *   spawn  {id, argv, env?}  →  {id, pid}, then {id, stdout | stderr}…, then {id, exitCode, signal}
 *          `resident` in place of `argv`, in both: {netns, args}, a command of clear-df in a namespace, see resident.mjs
 *   kill   {id, target, signal}                →  {id}
 *   read   {id, path, offset}                  →  {id, data, end}
 *   write  {id, path, data, mode, append}      →  {id}
 *   list   {id, path}                          →  {id, names}
 *   failed requests: {id, error, code}
 */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, openSync, readdirSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PORT = 'clear-df.lab';
/** Bytes of a file in one answer. */
const PORTION = 1 << 20;

function portPath() {
  const folder = '/sys/class/virtio-ports';
  const device = readdirSync(folder).find((name) => readFileSync(`${folder}/${name}/name`, 'utf8').trim() === PORT);
  if (device === undefined) throw new Error(`no virtio port is called ${PORT}`);
  return `/dev/${device}`;
}

// The driver lets a port be opened only once, so both ways share it.
const port = openSync(portPath(), 'r+');
const output = createWriteStream('', { fd: port });
const send = (message) => output.write(`${JSON.stringify(message)}\n`);
const spawned = new Map();

function start({ argv, env }, stdin) {
  const [command, ...args] = argv;
  return spawn(command, args, { env: { ...process.env, ...env }, stdio: [stdin, 'pipe', 'pipe'] });
}

/** Residents that wait for a command, by namespace. */
const idle = new Map();
/** Between the end of a command's output and that of the next one: resident.mjs writes it. */
const END = /\0(\d+)\0END\0$/;
/** The title that clear-df gives its process takes the place of its arguments: room for one. */
const ROOM = '-'.repeat(400);

/** A resident of the namespace, for the caller alone. */
function takeResident(netns) {
  return idle.get(netns)?.pop() ?? startResident(netns);
}

function keepResident(netns, child) {
  idle.set(netns, [...(idle.get(netns) ?? []), child]);
}

function startResident(netns) {
  const child = spawn('ip', ['netns', 'exec', netns, 'node', '/opt/lab/resident.mjs', ROOM], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.on('exit', () => {
    const rest = (idle.get(netns) ?? []).filter((one) => one !== child);
    if (rest.length > 0) idle.set(netns, rest);
    else idle.delete(netns);
  });
  return child;
}

/** Runs a command that ends, in a resident that is then kept for the next one. */
function runInResident({ id, resident: { netns, args }, env, timeout }) {
  const child = takeResident(netns);
  const text = { stdout: '', stderr: '' };
  const ended = { stdout: undefined, stderr: undefined };
  let timedOut = false;
  const timer = timeout ? setTimeout(expire, timeout) : undefined;
  function expire() {
    timedOut = true;
    child.kill('SIGKILL');
  }
  function answer(exitCode, signal) {
    clearTimeout(timer);
    for (const stream of ['stdout', 'stderr']) child[stream].removeAllListeners('data');
    child.off('close', answer);
    const encoded = (stream) => Buffer.from(text[stream], 'latin1').toString('base64');
    send({ id, exitCode, signal, timedOut, stdout: encoded('stdout'), stderr: encoded('stderr') });
  }
  for (const stream of ['stdout', 'stderr']) {
    child[stream].on('data', (chunk) => {
      text[stream] += chunk.toString('latin1');
      const end = END.exec(text[stream]);
      if (end === null) return;
      text[stream] = text[stream].slice(0, end.index);
      ended[stream] = Number(end[1]);
      if (ended.stdout === undefined || ended.stderr === undefined) return;
      keepResident(netns, child);
      answer(ended.stdout, null);
    });
  }
  child.on('close', answer);
  child.send({ args, env });
}

const actions = {
  run(request) {
    if (request.resident !== undefined) return runInResident(request);
    const { id, timeout, input } = request;
    const child = start(request, input === undefined ? 'ignore' : 'pipe');
    const chunks = { stdout: [], stderr: [] };
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => chunks[stream].push(chunk));
    let timedOut = false;
    const expire = () => {
      timedOut = true;
      child.kill('SIGKILL');
      // A grandchild may hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = timeout ? setTimeout(expire, timeout) : undefined;
    if (input !== undefined) {
      child.stdin.on('error', () => {});
      child.stdin.end(Buffer.from(input, 'base64'));
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      send({ id, error: error.message, code: error.code });
    });
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      const text = (stream) => Buffer.concat(chunks[stream]).toString('base64');
      send({ id, exitCode, signal, timedOut, stdout: text('stdout'), stderr: text('stderr') });
    });
  },

  spawn(request) {
    const { id, resident, env } = request;
    const child = resident === undefined ? start(request, 'ignore') : takeResident(resident.netns);
    spawned.set(id, child);
    for (const stream of ['stdout', 'stderr']) {
      child[stream].on('data', (chunk) => send({ id, [stream]: chunk.toString('base64') }));
    }
    if (resident === undefined) {
      child.on('spawn', () => send({ id, pid: child.pid }));
    } else {
      send({ id, pid: child.pid });
      child.send({ args: resident.args, env, stays: true });
      // The next command, which is often the one that ends this, finds one that has loaded.
      if (!idle.get(resident.netns)?.length) keepResident(resident.netns, startResident(resident.netns));
    }
    child.on('error', (error) => send({ id, error: error.message, code: error.code }));
    child.on('close', (exitCode, signal) => {
      spawned.delete(id);
      send({ id, exitCode, signal });
    });
  },

  kill({ id, target, signal }) {
    spawned.get(target)?.kill(signal);
    send({ id });
  },

  async read({ id, path: file, offset = 0 }) {
    const handle = await open(file);
    try {
      const buffer = Buffer.alloc(PORTION);
      let length = 0;
      // Files of /proc give what they like at once.
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, PORTION - length, offset + length);
        length += bytesRead;
        if (bytesRead === 0 || length === PORTION) break;
      }
      send({ id, data: buffer.subarray(0, length).toString('base64'), end: length < PORTION });
    } finally {
      await handle.close();
    }
  },

  async write({ id, path: file, data, mode, append }) {
    await mkdir(path.dirname(file), { recursive: true });
    await (append ? appendFile : writeFile)(file, Buffer.from(data, 'base64'), { mode });
    send({ id });
  },

  async list({ id, path: folder }) {
    send({ id, names: await readdir(folder) });
  },
};

const lines = createInterface({ input: createReadStream('', { fd: port }), crlfDelay: Infinity });
lines.on('line', (line) => {
  const request = JSON.parse(line);
  Promise.resolve()
    .then(() => actions[request.op](request))
    .catch((error) => send({ id: request.id, error: error.message, code: error.code }));
});
// The host closed its end, which is how it asks a guest to end.
lines.on('close', () => process.exit(0));
send({ ready: process.version, uptime: readFileSync('/proc/uptime', 'utf8').split(' ')[0] });
