/** What may be done is known before anything is changed. */
import { ClearDfError } from '../errors.js';
import { netAdmin } from '../host/read/rights.js';

/**
 * @param what a verb phrase and its object: `set up tunnel`, `site-a`
 * @param hint what the person can do; @param need what it is needed for
 * @throws ClearDfError PRIVILEGE without CAP_NET_ADMIN; where `/proc` cannot tell, the kernel will
 */
export function requireNetAdmin([operation, object]: [string, string], hint: string, need?: string): void {
  if (netAdmin() !== 'no') return;
  const reason = `${need === undefined ? '' : `${need}, and `}this process does not have CAP_NET_ADMIN`;
  throw new ClearDfError({ code: 'PRIVILEGE', operation, object, reason, errno: 'EPERM', hint });
}
