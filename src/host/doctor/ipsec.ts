/** IPsec of the machine, and what keeps a site's frames from leaving unencrypted. Never a key. */
import type { Machine, Transform } from '../../doctor/machine.js';
import { carrierAsks } from '../../tunnel/carriers/table.js';
import type { Site } from '../../tunnel/site/site.js';
import type { Runner } from '../exec.js';
import type { Kernel } from '../read/modules.js';
import { readTables } from '../read/nft.js';
import { readCovering } from '../read/path.js';
import { readRules } from '../read/routes.js';
import { parsePolicies, parseStates } from '../read/xfrm.js';
import { reading } from './reading.js';
import { mayAsk } from './rulesets.js';

/** Policies, rules and tables as plans read them; undefined without a site. Policies are unknown without CAP_NET_ADMIN. */
export async function readSeals(runner: Runner, kernel: Kernel, site: Site | undefined): Promise<Machine['seals']> {
  if (site === undefined) return undefined;
  return reading(read(runner, kernel, site));
}

async function read(runner: Runner, kernel: Kernel, { carrier, local, remote }: Site) {
  const [text, rules, tables, covering] = await Promise.all([
    mayAsk(kernel, 'xfrm_user') ? runner.query('ip', ['xfrm', 'policy']) : '',
    readRules(runner),
    mayAsk(kernel, 'nf_tables') ? readTables(runner) : [],
    carrierAsks(carrier.type, 'covering') ? readCovering(runner, remote, local) : undefined,
  ]);
  return { policies: parsePolicies(text), rules, tables, covering };
}

/**
 * Security associations and policies: their ends and protocols.
 * @throws ClearDfError PRIVILEGE without CAP_NET_ADMIN
 */
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
