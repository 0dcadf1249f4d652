/** Security associations and policies: their ends and protocols, never a key. */
import type { Transform } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { parsePolicies, parseStates } from '../facts/xfrm.js';
import type { Kernel } from './modules.js';
import { mayAsk } from './rulesets.js';

/** @throws ClearDfError PRIVILEGE without CAP_NET_ADMIN */
export async function readTransforms(runner: Runner, kernel: Kernel): Promise<Transform[]> {
  if (!mayAsk(kernel, 'xfrm_user')) return [];
  const states = await runner.query('ip', ['xfrm', 'state', 'list', 'nokeys']);
  const policies = await runner.query('ip', ['xfrm', 'policy']);
  return [
    ...parseStates(states).map(({ source, destination, protocol, mark, ifId, outputMark }) => ({
      ...{ source, destination, protocol, mark, ifId, outputMark },
    })),
    ...parsePolicies(policies).map(({ transform, protocol, ...policy }) => ({
      ...{ source: policy.source, destination: policy.destination, direction: policy.direction, protocol: transform },
      ...{ mark: policy.mark, ifId: policy.ifId, selects: protocol, greKey: policy.greKey },
    })),
  ];
}
