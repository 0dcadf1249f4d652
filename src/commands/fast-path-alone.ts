/** The fast path while no process runs: its programs go on, and their maps tell what they have counted. */
import { type FastStats, listFastPaths } from '../fast-path/fast-path.js';
import { listDevices } from '../host/read/links.js';
import { createRunner } from '../host/exec.js';
import { createLogger } from '../log.js';

/** A program that is attached, and whose it is. */
export interface FastPathAlone extends FastStats {
  name: string;
}

/**
 * Every program in this network namespace whose counters can be read; none where there is no fast path at all.
 * @throws ClearDfError RUNTIME when the kernel does not answer
 */
export async function fastPathAlone(): Promise<FastPathAlone[]> {
  const attached = listFastPaths();
  if (attached.length === 0) return [];
  const links = await listDevices(createRunner({ log: createLogger('silent') }));
  const nameOf = (index: number) => links.find((link) => link.index === index)?.name ?? `interface ${index}`;
  return attached.flatMap(({ device, direction, name, counters }) =>
    counters === undefined ? [] : [{ name, device: nameOf(device), direction, counters }],
  );
}
