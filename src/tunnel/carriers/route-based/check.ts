/** What carriers with a device of their own need to be free: its name, its addresses, its mark, table and rule. */
import { isInPrefix } from '../../../net/address.js';
import { type Facts, kindText, type Link, linkOf, type PolicyRule } from '../../facts.js';
import { hex, markText } from '../../mark.js';
import { machineError, siteError } from '../../site/error.js';
import type { Mark, RouteBased, Site } from '../../site/site.js';

/** Two more addresses, where the device has some of its own. */
export function refuseInner({ inner }: RouteBased, site: Site): void {
  if (inner === undefined) return;
  const others = [site.local, site.remote];
  const [key, address] = others.includes(inner.local)
    ? (['local', inner.local] as const)
    : (['remote', inner.remote] as const);
  if (inner.local !== inner.remote && !others.includes(address)) return;
  throw siteError(
    site,
    `carrier.inner.${key}`,
    `${address} is an address already; the ends of the device need two others`,
    "leave carrier.inner out, and the tunnel uses the routers' own",
  );
}

/** The addresses at the two ends of the device are nobody else's. */
export function checkInnerAddresses({ inner, device }: RouteBased, site: Site, { links, routes }: Facts): void {
  if (inner === undefined) return;
  for (const end of ['local', 'remote'] as const) {
    const address = inner[end];
    const key = `carrier.inner.${end}`;
    for (const { name, addresses } of links) {
      if (name === device) continue;
      const network = addresses.find(({ family, prefix }) => family === 4 && isInPrefix(address, prefix));
      if (network === undefined) continue;
      const reason = `${address} lies in ${network.prefix} on ${name}: packets for one would go by the other`;
      throw machineError('CONFLICT', site, key, reason, 'two addresses that nothing else here uses: 10.255.0.1');
    }
    const route = routes.find(
      (one) => one.dev !== device && one.destination !== 'default' && covers(one.destination, address),
    );
    if (route === undefined) continue;
    const reason = `${address} lies in ${route.destination}, which is reached by ${route.dev}: it would be taken from there`;
    throw machineError('CONFLICT', site, key, reason, 'two addresses that nothing else here uses: 10.255.0.1');
  }
}

function covers(destination: string, address: string): boolean {
  return isInPrefix(address, destination.includes('/') ? destination : `${destination}/32`);
}

/**
 * Marks, tables and rules that others use already. Only where the routers' own addresses go by the device: otherwise
 * nothing is marked, and no rule made.
 */
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

/** Refuses a name that another kind of device has; says which one is free. @returns the device, if there is one */
export function checkDeviceName(site: Site, name: string, kind: string, facts: Facts): Link | undefined {
  const link = linkOf(facts, name);
  if (link === undefined || link.kind === kind) return link;
  const reason = `${name} is there already and is ${kindText(link)}`;
  throw machineError('CONFLICT', site, 'carrier.device', reason, `carrier.device: ${freeName(name, facts)}`);
}

/** `ipsec0` → `ipsec1`, or what comes behind. */
function freeName(name: string, facts: Facts): string {
  const base = name.replace(/\d+$/, '');
  let number = Number(/\d+$/.exec(name)?.[0] ?? 0);
  while (linkOf(facts, `${base}${number}`) !== undefined) number += 1;
  return `${base}${number}`;
}
