/** A device that a site file names and the machine has not. */
import { type ClearDfError } from '../../errors.js';
import { nearest } from '../../net/nearest.js';
import { type Facts } from '../facts.js';
import { machineError } from '../site/error.js';
import { type Site } from '../site/site.js';

/** Says what there is, and which was probably meant. */
export function missingDevice(site: Site, key: string, name: string, facts: Facts): ClearDfError {
  const names = facts.links.filter((link) => !link.fallback && link.name !== 'lo').map((link) => link.name);
  const near = nearest(name, names);
  const there = names.length === 0 ? 'there is none but lo' : `there are ${names.join(', ')}`;
  const hint = near === undefined ? 'create the device first, or name another' : `did you mean '${near}'?`;
  return machineError('ENVIRONMENT', site, key, `there is no device ${name}; ${there}`, hint);
}
