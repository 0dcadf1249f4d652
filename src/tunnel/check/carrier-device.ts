/** The name of a device that a carrier makes. */
import { type Facts, type Link, linkOf } from '../facts.js';
import { kindText } from '../link-kind.js';
import { machineError } from '../site-error.js';
import type { Site } from '../site.js';

/** Refuses a name that another kind of device has; says which one is free. @returns the device, if there is one */
export function checkDeviceName(site: Site, name: string, kind: string, facts: Facts): Link | undefined {
  const link = linkOf(facts, name);
  if (link === undefined || link.kind === kind) return link;
  const reason = `${name} is there already and is ${kindText(link)}`;
  throw machineError('CONFLICT', site, 'carrier.device', reason, `carrier.device: ${freeName(name, facts)}`);
}

/** `ipsec0` → `ipsec1`, or what comes behind. */
export function freeName(name: string, facts: Facts): string {
  const base = name.replace(/\d+$/, '');
  let number = Number(/\d+$/.exec(name)?.[0] ?? 0);
  while (linkOf(facts, `${base}${number}`) !== undefined) number += 1;
  return `${base}${number}`;
}
