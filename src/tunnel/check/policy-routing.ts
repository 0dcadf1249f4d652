/** Marks, tables and rules that others use already. */
import type { Facts, PolicyRule } from '../facts.js';
import { hex, markText } from '../mark.js';
import { machineError } from '../site-error.js';
import type { Mark, RouteBased, Site } from '../site.js';

/** Only where the routers' own addresses go by the device: otherwise nothing is marked, and no rule made. */
export function checkPolicyRouting({ inner, mark, table, priority }: RouteBased, site: Site, facts: Facts): void {
  if (inner !== undefined) return;
  const rules = facts.rules.filter(({ family }) => family === 4);
  const taken = facts.tableRoutes.find((route) => route.family === 4 && route.table === String(table));
  if (taken !== undefined) {
    const reason = `table ${table} has a route to ${taken.destination} already: it is someone else's`;
    throw machineError('CONFLICT', site, 'carrier.table', reason, 'another carrier.table: ip route show table all');
  }
  const same = rules.find(({ preference }) => preference === priority);
  if (same !== undefined) {
    const reason = `there is a rule with preference ${priority} already (${same.words.join(' ')})`;
    throw machineError('CONFLICT', site, 'carrier.priority', reason, 'another carrier.priority: ip rule');
  }
  const clash = rules.find((rule) => rule.words[0] !== 'not' && takes(fwmarkOf(rule), mark));
  if (clash !== undefined) {
    const bits = hex((mark.mask & (fwmarkOf(clash)?.mask ?? 0)) >>> 0);
    throw machineError(
      'CONFLICT',
      site,
      'carrier.mark',
      `ESP with mark ${markText(mark)} would be routed by a rule of someone else's (preference ${clash.preference}: ` +
        `${clash.words.join(' ')}): both use ${bits}`,
      'another carrier.mark, of bits that no rule matches: ip rule',
    );
  }
}

/** The mark that a rule asks for; `fwmark 0x1` or `fwmark 0x1/0xff`. */
function fwmarkOf({ words }: PolicyRule): Mark | undefined {
  const at = words.indexOf('fwmark');
  if (at < 0) return undefined;
  const [value, mask = 0xffff_ffff] = (words[at + 1] ?? '').split('/').map(Number);
  return value === undefined || Number.isNaN(value) ? undefined : { value, mask };
}

/** Whether packets of our mark can be what the rule asks for: no bit of both masks differs, and there is one. */
function takes(rule: Mark | undefined, ours: Mark): boolean {
  if (rule === undefined) return false;
  const common = rule.mask & ours.mask;
  return common !== 0 && ((rule.value ^ ours.value) & common) === 0;
}
