/** What the turns of a soak work on: the network, the long run, its log, its file and its tools. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Daemon, startClearDf } from '../../test/helpers/clear-df.js';
import { FaultyTools } from '../../test/helpers/faulty-tools.js';
import { flooded, startFlood } from '../../test/helpers/traffic.js';
import type { Running } from '../../test/helpers/running.js';
import { until } from '../../test/helpers/until.js';
import { RunLog } from './log.js';
import { BRIDGED, type Network, passed } from './network.js';

export interface World {
  net: Network;
  daemon: Daemon;
  log: RunLog;
  tools: FaultyTools;
  /** From 1 on. */
  round: number;
  /** Writes the long run's file; keys beside its rules. */
  configure: (more?: Record<string, string | number>) => Promise<void>;
}

const RULES = { 'install-rules': true, hook: 'bridge', 'out-dev': 'p2', backend: 'iptables-nft', 'fast-path': 'off' };

/** Starts the long run. */
export async function begin(net: Network): Promise<World> {
  const file = path.join(await net.lab.scratch(), 'clear-df.yaml');
  const configure = async (more: Record<string, string | number> = {}): Promise<void> => {
    const lines = Object.entries({ ...RULES, stats: 10, ...more }).map(([key, value]) => `${key}: ${value}\n`);
    await writeFile(file, lines.join(''));
  };
  await configure();
  const tools = await FaultyTools.create(net.router);
  const daemon = await startClearDf(net.router, '0', ['--config', file], { environment: tools.environment });
  return { net, daemon, log: new RunLog(daemon.running), tools, round: 0, configure };
}

/** A flood that goes on while something happens. @returns what it has sent */
export async function underFlood(world: World, length: number, work: () => Promise<void>): Promise<number> {
  const flood = await startFlood(world.net.client, { destination: BRIDGED, length });
  await flows(world);
  await work();
  await flows(world);
  return end(flood);
}

export async function end(flood: Running): Promise<number> {
  flood.kill('SIGTERM');
  return (await flooded(flood)).sent;
}

/** Waits until packets come to the long run's rule again. */
async function flows({ net }: World): Promise<void> {
  const { came } = await passed(net.router);
  await until('packets come', async () => (await passed(net.router)).came > came + 5000);
}
