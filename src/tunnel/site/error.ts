/** Refusals of what a site file says. */
import { ClearDfError, type ErrorCode } from '../../errors.js';
import { type Site } from './site.js';

/** A refusal of one value: `read FILE:LINE key: reason`. */
export function siteError(site: Pick<Site, 'place'>, key: string, reason: string, hint?: string): ClearDfError {
  return placedError('USAGE', site, key, reason, hint);
}

/** A refusal because of what the machine is like: `check FILE:LINE key: reason`. */
export function machineError(
  code: Extract<ErrorCode, 'ENVIRONMENT' | 'CONFLICT'>,
  site: Site,
  key: string,
  reason: string,
  hint?: string,
): ClearDfError {
  return placedError(code, site, key, reason, hint);
}

function placedError(
  code: ErrorCode,
  site: Pick<Site, 'place'>,
  key: string,
  reason: string,
  hint?: string,
): ClearDfError {
  const operation = code === 'USAGE' ? 'read' : 'check';
  return new ClearDfError({ code, operation, object: `${site.place(key)} ${key}`, reason, hint });
}
