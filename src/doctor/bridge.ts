/** Bridged frames: whether they reach the rules that want them, and what else happens to them on their path. */
import { hiddenTables, savedRules } from '../rules/iptables.js';
import { valueOf } from '../rules/save-format.js';
import { type Feed, bridgesOf, feedsOf } from './feed.js';
import { type Finding, checkOf } from './finding.js';
import { callIptables, insertIptables, insertNft, setParameter } from './fix.js';
import { type Device, type Machine, known, sysctlNumber } from './machine.js';
import { type NftChain, type NftRule, devicesIn, isAmong, nftListing, placeOf } from './nft-listing.js';

const CALL_IPTABLES = 'net/bridge/bridge-nf-call-iptables';
const FILTER_VLAN = 'net/bridge/bridge-nf-filter-vlan-tagged';

export function examineBridge(machine: Machine): Finding[] {
  if ('unknown' in machine.devices) return [checkOf('bridge', 'devices').unread('devices', machine.devices)];
  const physdev = feedsOf(machine).feeds.filter((feed) => feed.physdev);
  return [
    ...(machine.oddDevices ?? []).map((name) =>
      checkOf('bridge', 'devices').unknown(`device ${name}`, 'left out: its name or its properties are not understood'),
    ),
    ...calls(machine, physdev),
    ...bridgesOf(machine).flatMap((bridge) => [
      ...forwardPolicies(machine, bridge),
      ...vlans(machine, bridge, physdev),
      ...reassembly(machine, bridge),
    ]),
  ];
}

/** Whether iptables sees the frames of a bridge: the parameter of the namespace, or the flag of the bridge. */
export function callsIptables({ sysctls }: Machine, bridge?: Device): boolean {
  return sysctls.get(CALL_IPTABLES) === '1' || Number(bridge?.data['nf_call_iptables']) === 1;
}

/** Whether bridged frames that leave by a port may go through a rule, where that cannot be read here. */
export function maySeePort(machine: Machine, feed: Feed, port: Device): boolean {
  const { sight, hook, ports, ipv4, tunneled } = feed;
  const unclear = ports === undefined || (hook === undefined && isAmong(port.name, ports));
  if (sight === 'bridged') return unclear;
  // iptables and nft's ip and inet families see bridged frames as well, as from bridge to bridge.
  const bridge = bridgesOf(machine).find(({ name }) => name === port.master);
  const passes = hook === undefined || hook === 'forward' || hook === 'postrouting';
  return ipv4 && passes && !tunneled && bridge !== undefined && callsIptables(machine, bridge);
}

/** Rules with physdev see nothing unless something hands bridged frames to iptables. */
function calls(machine: Machine, physdev: readonly Feed[]): Finding[] {
  const check = checkOf('bridge', 'bridge-nf');
  const bridges = bridgesOf(machine);
  const on = callsIptables(machine) || bridges.some((bridge) => callsIptables(machine, bridge));
  const what = 'bridge-nf-call-iptables';
  if (physdev.length === 0) {
    if (bridges.length === 0) return [check.ok(what, 'there is no bridge')];
    return [check.ok(what, on ? 'on, though no rule with physdev queues' : 'off, and no rule with physdev needs it')];
  }
  const blind = physdev.filter(({ rule, chain }) => chain.endsWith(' PREROUTING') && rule.includes('-is-bridged'));
  const late = blind.map(({ chain, rule }) =>
    check.wrong(chain, `--physdev-is-bridged never matches there: bridging is decided later (${rule})`, {
      hint: 'put the rule into mangle FORWARD, or match with --physdev-in alone',
    }),
  );
  if (on) return [check.ok(what, `on: rules with physdev that see bridged frames: ${physdev.length}`), ...late];
  const loaded = machine.sysctls.has(CALL_IPTABLES);
  const fix = callIptables(machine, CALL_IPTABLES);
  const evidence = `${loaded ? '0' : 'br_netfilter is not loaded'}: rules with physdev never see a frame`;
  return [check.wrong(what, `${evidence} (${physdev[0]?.rule})`, { fix }), ...late];
}

/** With bridge-nf on, a FORWARD policy of DROP is for bridged IPv4 as well. */
function forwardPolicies(machine: Machine, bridge: Device): Finding[] {
  const check = checkOf('bridge', 'forward-policy');
  if (!callsIptables(machine, bridge)) {
    return [check.ok(`${bridge.name} and FORWARD`, 'bridged frames do not pass iptables (bridge-nf is off)')];
  }
  const findings: Finding[] = [];
  for (const [variant, save] of machine.saves) {
    const what = `${bridge.name} and FORWARD of ${variant}`;
    if ('unknown' in save) findings.push(check.unread(what, save));
    // What it does not show is judged from nft's own listing.
    else if (hiddenTables(save.known).has('filter')) continue;
    else findings.push(...savedPolicy(what, variant, save.known, bridge));
  }
  return [...findings, ...nftPolicies(machine, bridge)];
}

function savedPolicy(what: string, variant: string, save: string, bridge: Device): Finding[] {
  const check = checkOf('bridge', 'forward-policy');
  const [, filter = ''] = /^\*filter$([\s\S]*?)^COMMIT$/m.exec(save) ?? [];
  const all = savedRules(save).filter(({ table }) => table === 'filter');
  const between = `-i ${bridge.name} -o ${bridge.name}`;
  const policy = /^:FORWARD (\S+)/m.exec(filter)?.[1] ?? 'ACCEPT (there is no filter table)';
  const refusing = all.find(({ line }) => /^-A FORWARD -j (DROP|REJECT)\b/.test(line));
  if (policy !== 'DROP' && refusing === undefined) return [check.ok(what, `the policy is ${policy}`)];
  const ending = policy === 'DROP' ? 'the policy is DROP' : `its rules end with ${refusing?.line}`;
  const accepts = all.filter(({ words }) => valueOf(words, '-j') === 'ACCEPT');
  // As words: older versions write two blanks behind physdev.
  const through = accepts.find(({ words }) => lettingThrough(between).includes(words.join(' ')));
  if (through !== undefined) return [check.ok(what, `${ending}, but ${through.line} lets bridged frames pass`)];
  // Of this bridge alone: what keeps the ports of others apart is not ours to open.
  const ends = ['-i', bridge.name, '-o', bridge.name];
  const rule = [...ends, '-m', 'physdev', '--physdev-is-bridged', '-j', 'ACCEPT'];
  const mend = { fix: insertIptables(variant, 'FORWARD', rule) };
  const near = accepts.find(
    ({ words, line }) =>
      line.includes('--physdev-') || [valueOf(words, '-i'), valueOf(words, '-o')].includes(bridge.name),
  );
  if (near !== undefined) return [check.unknown(what, `${ending}; whether this is enough depends: ${near.line}`, mend)];
  const evidence = `bridge-nf is on and ${ending}: IPv4 frames between the ports of ${bridge.name} are dropped`;
  return [check.wrong(what, evidence, mend)];
}

/** Accept every bridged frame, or every one between the ports of a bridge. */
function lettingThrough(between: string): string[] {
  const bridged = '-m physdev --physdev-is-bridged';
  return ['', ` ${bridged}`, ` ${between}`, ` ${between} ${bridged}`].map((words) => `-A FORWARD${words} -j ACCEPT`);
}

function nftPolicies(machine: Machine, bridge: Device): Finding[] {
  const listing = nftListing(machine);
  if ('unknown' in listing) {
    return [checkOf('bridge', 'forward-policy').unread(`${bridge.name} and nft's forward chains`, listing)];
  }
  const { chains, rules } = listing.known;
  const native = chains.filter((chain) => chain.hook === 'forward' && !isCompat(machine, chain));
  return native
    .filter(({ family }) => family === 'ip' || family === 'inet')
    .map((chain) => {
      const home = `${chain.family} ${chain.table} ${chain.name}`;
      return nftPolicy(
        home,
        chain,
        rules.filter((rule) => placeOf(rule) === home),
        bridge,
      );
    });
}

/** iptables-nft keeps its FORWARD in `ip filter`, where its own listing has been looked at. */
function isCompat({ saves }: Machine, { family, table, name }: NftChain): boolean {
  const save = saves.get('iptables-nft');
  const listed = save !== undefined && 'known' in save && /^\*filter$[^*]*^:FORWARD /m.test(save.known);
  return family === 'ip' && table === 'filter' && name === 'FORWARD' && listed;
}

function nftPolicy(home: string, { policy }: NftChain, rules: readonly NftRule[], { name }: Device): Finding {
  const check = checkOf('bridge', 'forward-policy');
  const what = `${name} and ${home}`;
  if (policy !== 'drop') return check.ok(what, `the policy is ${policy ?? 'accept'}`);
  const mend = { fix: insertNft(home, `iifname "${name}" oifname "${name}" accept`) };
  const accepts = rules.filter(({ parts }) => parts.some((part) => 'accept' in part));
  const names = (rule: NftRule, key: string) => devicesIn(rule, key)?.includes(name) === true;
  const may = (rule: NftRule, key: string) => isAmong(name, devicesIn(rule, key) ?? []);
  // An accept that asks for no device is for some packets of all devices: others are dropped.
  const asks = (rule: NftRule) => ['iifname', 'oifname'].some((key) => devicesIn(rule, key)?.length !== 0);
  const matches = ({ parts }: NftRule) => parts.filter((part) => 'match' in part).length;
  const all = accepts.find(
    (rule) => matches(rule) === 0 && rule.parts.every((part) => 'accept' in part || 'counter' in part),
  );
  if (all !== undefined) return check.ok(what, `the policy is drop, but handle ${all.handle} accepts everything`);
  const through = accepts.find((rule) => matches(rule) === 2 && names(rule, 'iifname') && names(rule, 'oifname'));
  if (through !== undefined) return check.ok(what, `the policy is drop, but handle ${through.handle} accepts them`);
  const near = accepts.find((rule) => asks(rule) && may(rule, 'iifname') && may(rule, 'oifname'));
  if (near !== undefined) {
    return check.unknown(what, `the policy is drop; whether handle ${near.handle} is enough depends`, mend);
  }
  const evidence = `bridge-nf is on and the policy is drop: IPv4 frames between the ports of ${name} are dropped`;
  return check.wrong(what, evidence, mend);
}

/** Tagged frames do not reach iptables by default. */
function vlans(machine: Machine, { name, data }: Device, physdev: readonly Feed[]): Finding[] {
  const check = checkOf('bridge', 'vlan');
  const what = `VLAN tags on ${name}`;
  if (Number(data['vlan_filtering']) !== 1) return [check.ok(what, 'VLAN filtering is off')];
  if (physdev.length === 0) return [check.ok(what, 'VLAN filtering is on; no iptables rule queues bridged frames')];
  if (machine.sysctls.get(FILTER_VLAN) === '1') return [check.ok(what, 'iptables sees tagged frames too')];
  const evidence = 'VLAN filtering is on, but frames with a tag do not reach the iptables rules';
  return [check.wrong(what, evidence, { fix: setParameter(machine, FILTER_VLAN, 1) })];
}

/** Connection tracking puts the fragments of hosts together before any rule sees them. */
function reassembly(machine: Machine, bridge: Device): Finding[] {
  const check = checkOf('bridge', 'conntrack');
  const what = `fragments of hosts on ${bridge.name}`;
  const listing = known(nftListing(machine));
  const native = listing?.rules.find(
    ({ family, parts }) => family === 'bridge' && JSON.stringify(parts).includes('"ct"'),
  );
  const count = sysctlNumber(machine, 'net/netfilter/nf_conntrack_count');
  const tracked = callsIptables(machine, bridge) && (count ?? 0) > 0;
  const meaning = 'the hook sees whole datagrams, which are cut again behind it';
  if (native !== undefined) return [check.ok(what, `nft tracks connections in the bridge: ${meaning}`)];
  if (tracked) return [check.ok(what, `iptables tracks ${count} connections and sees bridged frames: ${meaning}`)];
  if (listing === undefined)
    return [check.unknown(what, 'whether connections of bridged frames are tracked is not known')];
  return [check.ok(what, 'they stay fragments: no connection tracking for bridged frames')];
}
