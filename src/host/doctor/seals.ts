/** What keeps a site's frames from leaving unencrypted: policies, rules and tables, as plans read them. */
import type { Machine } from '../../doctor/machine.js';
import { carrierAsks } from '../../tunnel/carriers/table.js';
import type { Site } from '../../tunnel/site/site.js';
import type { Runner } from '../exec.js';
import { parsePolicies } from '../facts/xfrm.js';
import { readCovering } from '../facts/routes.js';
import { readRules } from '../facts/rules.js';
import { readTables } from '../facts/tables.js';
import type { Kernel } from './modules.js';
import { reading } from './reading.js';
import { mayAsk } from './rulesets.js';

/** Undefined without a site. Policies are unknown without CAP_NET_ADMIN. */
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
