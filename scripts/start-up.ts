/**
 * How long commands take to start, against a bare `node -e 0`; what an installation takes; what a run holds. Of several
 * installations side by side, because a busy machine slows all of them alike.
 *
 *   tsx scripts/start-up.ts NAME=FOLDER …     as root; FOLDER: where `npm install clear-df-….tgz` was done
 *
 * Prints the table of docs/install.md. By turns, on one core; of each the least and the median of CPU time, children
 * included, as a multiple of the bare one's.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';

const ROUNDS = 30;
const SITE = path.join(import.meta.dirname, '../examples/site-plain.yaml');

const COMMANDS: Record<string, readonly string[]> = {
  '--version': ['--version'],
  '--help': ['--help'],
  stats: ['stats'],
  doctor: ['doctor'],
  'tunnel status': ['tunnel', 'status', SITE],
};

// Node parses a list of certificates at each start where it is told of one: as long as all that is measured here.
delete process.env['NODE_EXTRA_CA_CERTS'];

/** Milliseconds of CPU that a program takes, by bash's own `times`. */
function spent(args: readonly string[]): number {
  const script = 'exec 3>&2; "$@" </dev/null >/dev/null 2>&1; times >&3';
  // With a socket for its input, bash would read the startup file of whoever measures.
  const bash = ['bash', '--norc', '-c', script, 'bash'];
  const { stderr } = spawnSync('taskset', ['-c', '1', ...bash, process.execPath, ...args]);
  const last = stderr.toString().trim().split('\n').at(-1) ?? '';
  const parts = Array.from(
    last.matchAll(/(\d+)m([\d.]+)s/g),
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return 1000 * parts.reduce((sum, part) => sum + part, 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** MB that a run with one idle queue holds, in a network namespace of its own, once it says that it runs. */
async function resident(main: string): Promise<string> {
  const child = execa('unshare', ['--net', process.execPath, main, 'run', '--queue', '0', '--metrics', 'off'], {
    reject: false,
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('clear-df is running')) resolve();
    });
    void child.then(() => reject(new Error(`clear-df run ended: ${said}`)));
  });
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  child.kill('SIGTERM');
  await child;
  return (Number(kilobytes) / 1024).toFixed(1);
}

const installations = process.argv.slice(2).map((argument) => argument.split('=') as [string, string]);
if (installations.length === 0) throw new Error('expected NAME=FOLDER');
const mainOf = (folder: string): string => path.join(folder, 'node_modules/clear-df/bin/clear-df.cjs');
const times = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round += 1) {
  const add = (key: string, args: readonly string[]) => times.set(key, [...(times.get(key) ?? []), spent(args)]);
  add('bare', ['-e', '0']);
  for (const [name, place] of installations) {
    for (const [command, words] of Object.entries(COMMANDS)) add(`${name} ${command}`, [mainOf(place), ...words]);
  }
}

const bare = times.get('bare') as number[];
const ratio = (key: string): string => {
  const own = times.get(key) as number[];
  return `${(Math.min(...own) / Math.min(...bare)).toFixed(2)} (${(median(own) / median(bare)).toFixed(2)})`;
};
const rows = Object.keys(COMMANDS).map((command) => [
  `\`${command}\``,
  ...installations.map(([name]) => ratio(`${name} ${command}`)),
]);
const sizes = installations.map(
  ([, place]) =>
    spawnSync('du', ['-sk', path.join(place, 'node_modules')])
      .stdout.toString()
      .split('\t')[0] ?? '',
);
const held = await Promise.all(installations.map(([, place]) => resident(mainOf(place))));
const table = [
  ['', ...installations.map(([name]) => name)],
  installations.map(() => '---'),
  ...rows,
  ['kB installed', ...sizes],
  ['MB resident, `run` with an idle queue', ...held],
];
for (const cells of table) console.log(`| ${(cells === table[1] ? ['---', ...cells] : cells).join(' | ')} |`);
