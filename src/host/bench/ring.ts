/**
 * The network of `clear-df bench`, in namespaces of its own:
 *
 *   sender eth0 ─────── eth0 router eth1 ─────── eth0 sink
 *                        10.77.0.1   10.77.1.1
 *
 * Nothing of it touches the machine's own network. What a killed bench left behind, the next one takes away.
 */
import { readdirSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import type { Runner } from '../exec.js';
import { isAlive } from '../process.js';

const PREFIX = 'clear-df-bench-';
const FOLDER = '/run/netns';
const PLACES = ['sender', 'router', 'sink'] as const;

/** The router's end of the sender's link. */
export const ROUTER_MAC = '02:cd:f0:00:00:01';
/** Nobody has it: whoever gets such a frame drops it as it comes. */
export const NOBODY_MAC = '02:cd:f0:00:00:ff';
/** The first source; packets come from it and the addresses behind it. */
export const SOURCE = '10.77.0.2';
export const DESTINATION = '10.77.1.2';

export interface Ring {
  sender: string;
  router: string;
  sink: string;
}

/** The namespaces of a process, by name. */
export function ringOf(pid: number): Ring {
  return { sender: `${PREFIX}${pid}-sender`, router: `${PREFIX}${pid}-router`, sink: `${PREFIX}${pid}-sink` };
}

/**
 * Makes them. The sink's link leads to {@link NOBODY_MAC}, so that the sink drops a packet as soon as it has it.
 * @throws ClearDfError of the command that failed; what was made until then is for {@link removeRing}
 */
export async function makeRing(runner: Runner, ring: Ring): Promise<void> {
  const { sender, router, sink } = ring;
  const ip = (...words: string[]): Promise<string> => runner.change('ip', words);
  const inRouter = (...words: string[]): Promise<string> => ip('-netns', router, ...words);
  for (const place of PLACES) await ip('netns', 'add', ring[place]);
  const veth = ['type', 'veth', 'peer', 'name'];
  await ip('link', 'add', 'eth0', 'netns', sender, ...veth, 'eth0', 'netns', router, 'address', ROUTER_MAC);
  await ip('link', 'add', 'eth1', 'netns', router, ...veth, 'eth0', 'netns', sink);
  await inRouter('address', 'add', '10.77.0.1/24', 'dev', 'eth0');
  await inRouter('address', 'add', '10.77.1.1/24', 'dev', 'eth1');
  for (const device of ['lo', 'eth0', 'eth1']) await inRouter('link', 'set', device, 'up');
  for (const place of [sender, sink]) await ip('-netns', place, 'link', 'set', 'eth0', 'up');
  await inRouter('neighbour', 'replace', DESTINATION, 'lladdr', NOBODY_MAC, 'dev', 'eth1', 'nud', 'permanent');
  const sysctls = ['net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.eth0.rp_filter=0'];
  await ip('netns', 'exec', router, 'sysctl', '-qw', ...sysctls);
}

/** Takes them away, with what still runs inside. Never throws for one that is not there. */
export async function removeRing(runner: Runner, ring: Ring): Promise<void> {
  const there = new Set(names());
  for (const place of PLACES) {
    if (!runner.dryRun && !there.has(ring[place])) continue;
    if (!runner.dryRun) await endAllIn(runner, ring[place]);
    await runner.change('ip', ['netns', 'delete', ring[place]]);
  }
}

/** Takes away the rings of benches that are no more. @returns whether there were any */
export async function sweepRings(runner: Runner): Promise<boolean> {
  const pids = names().map((name) => Number(/^\d+(?=-)/.exec(name.slice(PREFIX.length))?.[0] ?? NaN));
  const dead = [...new Set(pids)].filter((pid) => Number.isInteger(pid) && (pid === process.pid || !isAlive(pid)));
  for (const pid of dead) await removeRing(runner, ringOf(pid));
  return dead.length > 0;
}

/** Another bench that runs now: two at once would measure each other. */
export function otherBench(): number | undefined {
  const pids = names().map((name) => Number(/^\d+(?=-)/.exec(name.slice(PREFIX.length))?.[0] ?? NaN));
  return pids.find((pid) => Number.isInteger(pid) && pid !== process.pid && isAlive(pid));
}

async function endAllIn(runner: Runner, name: string): Promise<void> {
  try {
    const pids = (await runner.query('ip', ['netns', 'pids', name])).split(/\s+/).filter(Boolean);
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  } catch (error) {
    // It has ended already, or the namespace went; the removal says what else may be wrong.
    if (!(error instanceof ClearDfError) && (error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function names(): string[] {
  try {
    return readdirSync(FOLDER).filter((name) => name.startsWith(PREFIX));
  } catch {
    return [];
  }
}
