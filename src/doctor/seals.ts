/** What keeps a site's frames from leaving unencrypted: the guards of its carrier, and the policy that encrypts. */
import { isInPrefix } from '../net/address.js';
import { isKeptWhileAway } from '../tunnel/carriers/guard.js';
import { carrierOf } from '../tunnel/carriers/table.js';
import type { Facts, XfrmPolicy } from '../tunnel/facts.js';
import { type Flow, isFor } from '../tunnel/flow.js';
import type { GuardEnds } from '../tunnel/items/xfrm-guard.js';
import { typeOf } from '../tunnel/types/table.js';
import { remotesOf, type Site } from '../tunnel/site/site.js';
import { type Finding, checkOf } from './finding.js';
import { upCommand } from './fix.js';
import type { Machine, Seals } from './machine.js';

export function examineSeals({ seals }: Machine, site: Site): Finding[] {
  // A carrier that promises nothing has none, whatever is so.
  if (seals === undefined || carrierOf(site).guards(factsOf({ ...NONE, tables: [] })).length === 0) return [];
  const check = checkOf('site', 'guards');
  const what = `what keeps ${typeOf(site).flow().name} to ${remotesOf(site).join(', ')} from leaving unencrypted`;
  if ('unknown' in seals) return [check.unread(what, seals)];
  return [...guards(seals.known, site), ...sealing(seals.known, site)];
}

function guards(seals: Seals, site: Site): Finding[] {
  const check = checkOf('site', 'guards');
  const fix = upCommand(site, { setupOnly: true });
  // While the device of a VPN is away, the route that is found is another one.
  const covering = seals.covering?.dev === site.underlay ? seals.covering : undefined;
  const facts = factsOf({ ...seals, covering });
  const unread =
    seals.tables === undefined ? [check.unknown('guard in nft', 'nft could not be read, or is not there')] : [];
  const found = carrierOf(site)
    .guards(facts)
    .map((item) => {
      const status = item.status(facts);
      if (status.state === 'in-sync') return check.ok(item.key, item.desired);
      return check.wrong(item.key, `${status.observed}; without it: not certain that ${item.desired}`, { fix });
    });
  const away = site.carrier.type === 'tun' && covering === undefined && !isKeptWhileAway(site, facts);
  const evidence = `${site.underlay} is away, and neither a rule of the routing policy nor a policy keeps GRE from another route`;
  return [...found, ...(away ? [check.wrong(`path to ${site.remote}`, evidence, { fix })] : []), ...unread];
}

/** Of carriers whose policies are for the tunnel's own packets; those of a device go by its mark or number. */
function sealing({ policies }: Seals, site: Site): Finding[] {
  const { carrier, local, file } = site;
  if (!('keys' in carrier) || carrierOf(site).ipsec()?.policy?.selector === 'any') return [];
  const check = checkOf('site', 'sealing');
  const flow = typeOf(site).flow();
  return remotesOf(site).map((remote) => {
    const what = `policy that encrypts ${flow.name} to ${remote}`;
    const found = policies.find((policy) => policy.transform === 'esp' && takes(policy, { flow, local, remote }));
    if (found !== undefined) {
      return check.ok(what, `${found.source} to ${found.destination}, ${found.mode} mode, reqid ${found.reqid}`);
    }
    const mend =
      carrier.keys === 'external' || carrier.keys === 'ike'
        ? { hint: 'the IKE daemon makes it: does it run, and has it read its files?' }
        : { fix: upCommand({ file }) };
    return check.wrong(what, 'there is none: what is sent is lost, as long as a guard is there', mend);
  });
}

/** Whether a policy, however wide, takes all of a flow. */
function takes(policy: XfrmPolicy, { flow, local, remote }: GuardEnds): boolean {
  const { direction, protocol, greKey, source, destination, mark, ifId } = policy;
  if (direction !== 'out' || greKey !== undefined || ifId !== undefined) return false;
  if (mark !== undefined && mark.value !== 0) return false;
  const wide = protocol === undefined || isFor(policy, flow, 'out') || isAnyPort(policy, flow);
  return wide && holds(source, local) && holds(destination, remote);
}

/** For one of the two ports, or for none. */
function isAnyPort({ protocol, ports }: XfrmPolicy, flow: Flow): boolean {
  if (flow.ports === undefined || ports === undefined || !['udp', '17'].includes(protocol ?? '')) return false;
  const { source, destination } = ports;
  const sources = flow.anySource === true ? [0] : [0, flow.ports.local];
  return sources.includes(source) && [0, flow.ports.remote].includes(destination);
}

function holds(prefix: string, address: string): boolean {
  return !prefix.includes(':') && isInPrefix(address, prefix.includes('/') ? prefix : `${prefix}/32`);
}

const NONE: Seals = { policies: [], rules: [], tables: undefined, covering: undefined };

/** As much of the facts as guards are judged by. */
function factsOf(seals: Seals): Facts {
  const answers = { ignoreDf: 'unknown', bridgeQueue: 'unknown', nftBridgeQueue: 'unknown', fastPath: 'unknown' };
  return {
    ...{ kernel: '', links: [], routes: [], tableRoutes: [], path: undefined, states: [] },
    ...{ modules: new Set(), sysctls: new Map(), can: answers as Facts['can'] },
    ...seals,
  };
}
