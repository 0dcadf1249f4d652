/** The fast path as the library offers it: every packet that leaves by some devices. */
import { nativeFastPath } from '../native/fast-path.js';
import type { IdentificationPolicy } from '../native/surface.js';
import { explained } from './failure.js';
import { FastPath, type FastStats } from './fast-path.js';
import { allThatLeave } from './place.js';

export type { FastStats } from './fast-path.js';

/** Programs at the egress of devices, from the first attachment until they are removed. */
export class AttachedDevices {
  #removed = false;

  constructor(
    private readonly path: FastPath,
    private readonly devices: readonly string[],
  ) {}

  /** Attaches them, or exchanges them for those of another policy; what stands elsewhere under the name goes. */
  attach(identification: IdentificationPolicy): void {
    if (this.#removed) return;
    const kept = this.devices.map((name) => {
      const device = { name, ...explained(name, () => nativeFastPath().device(name)) };
      const { direction, settings } = allThatLeave(name, identification);
      this.path.attach(device, direction, settings);
      return { device: device.index, direction };
    });
    this.path.detach(kept);
  }

  /** What each has counted; nothing once they are removed. */
  stats(): FastStats[] {
    return this.#removed ? [] : this.path.stats();
  }

  /** Takes them away. Safe to call twice. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    try {
      this.path.detach();
    } finally {
      this.path.close();
    }
  }
}

/**
 * Attaches a program to each device, all or none.
 * @param name the instance's: what an earlier process left attached under it is adopted
 * @throws ClearDfError PRIVILEGE, CONFLICT or ENVIRONMENT, with the device
 */
export function attachToDevices(
  name: string,
  devices: readonly string[],
  identification: IdentificationPolicy,
): AttachedDevices {
  const attached = new AttachedDevices(FastPath.open(name), devices);
  try {
    attached.attach(identification);
    return attached;
  } catch (error) {
    attached.remove();
    throw error;
  }
}
