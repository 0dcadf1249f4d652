/** Before the first story: everything that guests boot from, so that stories side by side do not fetch it twice. */
import { prepare } from '../../scripts/lab/qemu.js';
import { kernels } from './kernels.js';

export default async function setup(): Promise<void> {
  for (const series of new Set([...kernels('short'), ...kernels('full')])) await prepare(series);
}
