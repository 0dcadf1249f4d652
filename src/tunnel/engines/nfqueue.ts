/** The queue: bridged frames pass clear-df on their way into the tunnel. */
import { parseRuleSpec, type RuleSpec } from '../../rules/spec.js';
import { carrierOf } from '../carriers/table.js';
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import { bridgeCallItem } from '../items/link.js';
import { clampItem } from '../items/clamp.js';
import { moduleItem } from '../items/module.js';
import { sysctlItem } from '../items/sysctl.js';
import { type BridgeHook, gretapOf, type Site } from '../site/site.js';
import type { InnerCut } from '../sizes.js';
import { tunnelSizes } from '../tunnel-sizes.js';
import { type Ability, type EngineContext, type EngineDefinition, ability, instead } from './engine.js';

const CALLS = ['iptables', 'ip6tables', 'arptables'] as const;
const callSysctl = (tool: (typeof CALLS)[number]): string => `net/bridge/bridge-nf-call-${tool}`;
const VLAN_SYSCTL = 'net/bridge/bridge-nf-filter-vlan-tagged';

export const nfqueue: EngineDefinition = {
  name: 'nfqueue',
  can(site, facts) {
    const { ability: found } = hookOf(site, facts);
    return found;
  },
  trade:
    'clear-df has to run; every packet that needed it is counted, and gets an identification that does not repeat ' +
    'while its fragments may be in transit',
  parts(context) {
    const { site, facts } = context;
    const { hook } = hookOf(site, facts);
    const through = hook === 'br-netfilter';
    const { inside } = tunnelSizes(site, facts);
    const backend = through ? 'iptables' : 'nft';
    return {
      ignoreDf: false,
      hook,
      first: through ? brNetfilterItems(context) : [],
      onBridge: through ? [callItem(context)] : [],
      onTunnel: inside === undefined ? [] : [clampItem(site, inside.mtu)],
      mangler:
        inside === undefined
          ? { rules: rulesOf(site, hook), backend }
          : { rules: [cutRule(site, inside)], backend, gso: 'off' },
      notes: through ? brNetfilterNotes(context) : nftBridgeNotes(facts),
    };
  },
};

/**
 * br-netfilter unless only nft works: an nft bridge queue that splits GSO packets loses their Ethernet headers, and
 * from some kernel after 6.12 everything that is handed back to it. Only a gretap's outer packets are queued beside it.
 */
function hookOf(site: Site, facts: Facts): { hook: BridgeHook; ability: Ability } {
  const abilities = { 'br-netfilter': brNetfilter(site, facts), 'nft-bridge': nftBridge(facts) };
  const mayNft = site.fragment === 'outer' && gretapOf(site) !== undefined;
  const only = mayNft && abilities['br-netfilter'].answer === 'no' && abilities['nft-bridge'].answer !== 'no';
  const hook = site.hook === 'auto' ? (only ? 'nft-bridge' : 'br-netfilter') : site.hook;
  const found = abilities[hook];
  if (site.hook !== 'auto' || !mayNft || found.answer !== 'no') return { hook, ability: found };
  return { hook, ability: { ...found, because: `${found.because}, and ${abilities['nft-bridge'].because}` } };
}

function brNetfilter(site: Site, facts: Facts): Ability {
  const other = instead(site, 'tunnel-flag') || instead(site, 'bpf');
  return ability(
    facts,
    'bridgeQueue',
    {
      yes: 'iptables can queue bridged frames here',
      no: 'iptables cannot queue bridged frames here',
      unknown: 'whether iptables can queue bridged frames here could not be found out',
    },
    `install iptables, and have br_netfilter, xt_physdev and xt_NFQUEUE in the kernel${other === '' ? '' : `; or ${other}`}`,
  );
}

function nftBridge(facts: Facts): Ability {
  return ability(
    facts,
    'nftBridgeQueue',
    {
      yes: 'an nft bridge queue hands packets on here',
      no: 'this kernel loses every packet that an nft bridge queue is handed back',
      unknown: 'whether an nft bridge queue hands packets on here could not be found out',
    },
    'hook: br-netfilter, or engine: tunnel-flag',
  );
}

/** The hook inside sees the host's packet; an outer one is needed where the tunnel sets DF again, or a packet slips by. */
function rulesOf(site: Site, hook: BridgeHook): RuleSpec[] {
  const { name, queues, fanout, tunnel } = site;
  const rules = [parseRuleSpec({ name, hook: 'bridge', outDev: tunnel.name, queues, fanout })];
  const gretap = gretapOf(site);
  // An nft bridge queue leaves UDP GSO packets alone, and gretap copies their DF.
  const protos = new Set<'gre' | 'esp'>([
    ...(gretap?.pmtudisc === true ? [gretap.match] : []),
    ...(hook === 'nft-bridge' ? (['gre'] as const) : []),
  ]);
  for (const proto of protos) {
    const { local, remote } = proto === 'gre' ? carrierOf(site).ends() : site;
    rules.push(parseRuleSpec({ name, hook: 'output', proto, local, remote, queues, fanout }));
  }
  return rules;
}

/** What the bridge has to cut, and has DF. */
function cutRule({ name, queues, fanout, tunnel, mtu }: Site, { mtu: largerThan }: InnerCut): RuleSpec {
  return {
    ...parseRuleSpec({ name, hook: 'bridge', outDev: tunnel.name, queues, fanout, largerThan }),
    tcpAtMost: mtu,
  };
}

function brNetfilterItems({ origin }: EngineContext): Item[] {
  const fresh = !origin.brNetfilter;
  const module = moduleItem('br_netfilter', {
    reason: 'shows bridged frames to iptables: before they enter the tunnel is the only place where it helps',
    unloadWhile: {
      sysctls: Object.fromEntries(CALLS.map((tool) => [callSysctl(tool), '0'])),
      noBridgeCalls: true,
    },
  });
  // Loaded before: whoever did it may count on what the parameters say.
  const quiet = CALLS.map((tool) =>
    sysctlItem(callSysctl(tool), '0', {
      reason: `loading br_netfilter has sent the frames of every bridge through ${tool}; without it none went there`,
      fresh: true,
    }),
  );
  const tagged = sysctlItem(VLAN_SYSCTL, '1', {
    reason: 'IPv4 in VLAN-tagged frames as well: without it TCP GSO packets that carry a tag are refused late',
    fresh,
  });
  return fresh ? [module, ...quiet, tagged] : [module, tagged];
}

function callItem({ site }: EngineContext): Item {
  return bridgeCallItem(site.bridge.name, 'only this bridge needs it; others keep what the namespace has set');
}

function brNetfilterNotes({ site, facts, origin }: EngineContext): string[] {
  const bridge = site.bridge.name;
  const notes = [
    `IPv4 frames through ${bridge} pass iptables from now on: a FORWARD policy of DROP or a rule for ${bridge} meets ` +
      'them as well, and connection tracking, where it is in use, counts them',
    ...(gretapOf(site) === undefined || site.fragment === 'inner'
      ? []
      : ['IPv6 frames need no help: IPv6 has no DF bit, and the tunnel cuts the outer packet']),
  ];
  if (!origin.brNetfilter) {
    notes.push(
      'loading br_netfilter turns bridge-nf-call-iptables on in every network namespace at once; it is turned off ' +
        'again in this one, others keep the kernel default of 1: look there if they have bridges',
    );
  } else if (facts.sysctls.get(callSysctl('iptables')) === '1') {
    notes.push('bridge-nf-call-iptables is 1: the frames of every bridge here pass iptables already; left as it is');
  }
  return notes;
}

function nftBridgeNotes(facts: Facts): string[] {
  const notes = [
    'IPv4 in VLAN-tagged frames does not reach the queue by hook nft-bridge: TCP GSO packets that carry a tag stay slow',
  ];
  if (facts.can.nftBridgeQueue === 'unknown') {
    notes.push(
      'some kernels after 6.12 lose every packet that an nft bridge queue is handed back; whether this one does could ' +
        'not be found out: if nothing but small packets without DF passes, use hook: br-netfilter',
    );
  }
  return notes;
}
