/**
 * A router with nothing on it but two devices, for what asks and writes files.
 *
 *   machine: lan0 ─ x0, wan0 ─ x1 (veth), the default route by wan0
 */
import path from 'node:path';
import { Lab, type Namespace } from './netns.js';

export interface PlainRouter {
  lab: Lab;
  machine: Namespace;
  /** One that is not there yet. */
  folder: string;
}

export async function plainRouter(): Promise<PlainRouter> {
  const lab = await Lab.create();
  const machine = await lab.namespace('machine');
  for (const [dev, far] of [
    ['lan0', 'x0'],
    ['wan0', 'x1'],
  ] as const) {
    await machine.ip('link', 'add', dev, 'type', 'veth', 'peer', 'name', far);
    await machine.ip('link', 'set', dev, 'up');
  }
  await machine.ip('address', 'add', '192.0.2.1/24', 'dev', 'wan0');
  await machine.ip('route', 'add', 'default', 'via', '192.0.2.254');
  return { lab, machine, folder: path.join(await lab.scratch(), 'clear-df') };
}
