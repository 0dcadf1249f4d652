/** `clear-df fast-path …` as a command of a plan: carried out here, without another process. */
import { ClearDfError } from '../errors.js';
import { IDENTIFICATION_POLICIES } from '../tunnel/enums.js';

/**
 * @param words `attach DEV --name NAME --identification POLICY` or `detach DEV --name NAME`
 * @throws ClearDfError of what could not be done
 */
export async function performFastPath([verb, device = '', , name = '', , policy]: readonly string[]): Promise<void> {
  const { attachSingle, detachSingle } = await import('../fast-path/single.js');
  if (verb === 'attach') {
    attachSingle(name, device, IDENTIFICATION_POLICIES.find((one) => one === policy) ?? 'random');
    return;
  }
  if (detachSingle(name, device)) return;
  throw new ClearDfError({
    code: 'RUNTIME',
    operation: 'detach the fast path from',
    object: device,
    reason: `no program of ${name} is attached there`,
  });
}
