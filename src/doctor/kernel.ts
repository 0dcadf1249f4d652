/** The kernel, its modules, the tools and the rights of the doctor itself. */
import { type Capability, type Machine, type ModuleState, type Reading, versionOf } from './machine.js';
import { type Check, type Finding, checkOf } from './finding.js';
import { feedsOf } from './feed.js';
import { type NftRule, ipWrites, nftListing } from './nft-listing.js';

/** Kernels whose behaviour was measured: `KERNEL.minor` as {@link versionOf} has it. */
const OLDEST_MEASURED = 5010;
const END_DT4_SINCE = 5011;

export function examineKernel(machine: Machine): Finding[] {
  return [
    versionFinding(machine),
    endDt4Finding(machine),
    nftClearsDf(machine),
    nftBridgeQueue(machine),
    rightsFinding(machine),
    ...toolFindings(machine),
    ...moduleFindings(machine),
  ];
}

function versionFinding({ kernel }: Machine): Finding {
  const check = checkOf('kernel', 'version');
  const version = versionOf(kernel);
  if (version === undefined) return check.unknown('version', `'${kernel}' is no kernel version`);
  if (version < OLDEST_MEASURED) return check.unknown('version', `${kernel}: older than 5.10, never tried`);
  return check.ok('version', kernel);
}

function endDt4Finding({ kernel }: Machine): Finding {
  const check = checkOf('kernel', 'end-dt4');
  const version = versionOf(kernel);
  if (version === undefined) return check.unknown('SRv6 End.DT4', 'the version of the kernel is not known');
  if (version >= END_DT4_SINCE) return check.ok('SRv6 End.DT4', 'yes: since 5.11');
  return check.ok('SRv6 End.DT4', `no: it needs 5.11, this is ${kernel}; only a tunnel over SRv6 needs it`);
}

/** A capability is wrong only where a rule relies on it. */
function capabilityFinding(check: Check, what: string, can: Capability, reliant: string | undefined, fix: string) {
  const evidence = `${can.answer}: ${can.evidence}`;
  if (can.answer === 'unknown') return check.unknown(what, can.evidence);
  if (can.answer === 'yes') return check.ok(what, evidence);
  if (reliant === undefined) return check.ok(what, `${evidence}; no rule relies on it`);
  return check.wrong(what, `${evidence}; a rule relies on it: ${reliant}`, { fix });
}

/** The first rule that writes the field that holds DF. */
export function dfWriter(rulesets: Pick<Machine, 'nftJson' | 'nftText'>): Reading<NftRule | undefined> {
  const listing = nftListing(rulesets);
  if ('unknown' in listing) return listing;
  return { known: listing.known.rules.find((rule) => ipWrites(rule).some(({ field }) => field === 'frag-off')) };
}

/** Not tried where no rule needs it. */
function nftClearsDf(machine: Machine): Finding {
  const check = checkOf('kernel', 'nft-clears-df');
  const what = 'nft clears DF in the kernel';
  const writer = dfWriter(machine);
  if ('unknown' in writer) return check.unread(what, writer);
  if (writer.known === undefined) return check.ok(what, 'no rule relies on it');
  const { family, table, chain, handle } = writer.known;
  const reliant = `${family} ${table} ${chain} handle ${handle}`;
  return capabilityFinding(check, what, machine.can.nftClearsDf, reliant, 'clear-df --queue 0 --install-rules');
}

function nftBridgeQueue(machine: Machine): Finding {
  const check = checkOf('kernel', 'nft-bridge-queue');
  const reliant = feedsOf(machine).feeds.find(({ backend, sight }) => backend === 'nft' && sight === 'bridged');
  const fix = 'clear-df rules install --hook bridge --backend iptables-nft --queue ' + (reliant?.first ?? 0);
  const can = machine.can.nftBridgeQueue;
  return capabilityFinding(check, 'packets return from an nft bridge queue', can, reliant?.chain, fix);
}

function rightsFinding({ netAdmin }: Machine): Finding {
  const check = checkOf('kernel', 'rights');
  if (netAdmin === 'yes') return check.ok('CAP_NET_ADMIN', 'held');
  const evidence =
    netAdmin === 'no' ? "not held: firewall rules and other users' processes stay unread" : '/proc does not show it';
  return check.unknown('CAP_NET_ADMIN', evidence, { fix: 'sudo clear-df doctor' });
}

function toolFindings({ tools }: Machine): Finding[] {
  const check = checkOf('kernel', 'tools');
  const present = (name: string) => tools.get(name)?.state !== 'missing';
  return [...tools].map(([name, tool]) => {
    if (tool.state === 'present') return check.ok(name, tool.version);
    if (tool.state === 'unknown') return check.unknown(name, 'it is there, but does not say its version');
    const other = name === 'nft' ? present('iptables') : name === 'iptables' ? present('nft') : false;
    if (other) return check.unknown(name, 'not installed; its rules are not known', { fix: tool.install });
    return check.wrong(name, 'not installed', { fix: tool.install });
  });
}

/** What each module is for; those that another can stand in for name it, the others what fails without them. */
const MODULES: Record<string, { purpose: string } & ({ instead: string } | { without: string } | { needed: true })> = {
  nfnetlink_queue: { purpose: 'the queue itself', needed: true },
  xt_NFQUEUE: { purpose: 'iptables rules that queue', instead: 'nft_queue' },
  nft_queue: { purpose: 'nft rules that queue', instead: 'xt_NFQUEUE' },
  br_netfilter: { purpose: 'bridged frames in iptables', without: 'the bridge hook works through nft only' },
  xt_physdev: { purpose: 'iptables rules for bridged frames', without: 'the bridge hook works through nft only' },
  xt_u32: { purpose: 'iptables rules that look at DF', without: 'clear-df installs its rules through nft only' },
  ip_gre: { purpose: 'gretap devices', without: 'no gretap tunnel; other uses need none' },
};
export const MODULE_NAMES = Object.keys(MODULES);

const THERE: readonly ModuleState[] = ['loaded', 'built-in', 'available'];

function moduleFindings(machine: Machine): Finding[] {
  const check = checkOf('kernel', 'modules');
  const state = (name: string): ModuleState => machine.modules.get(name) ?? 'unknown';
  return Object.entries(MODULES).map(([name, module]) => {
    const found = state(name);
    const { purpose } = module;
    if (found === 'unknown') {
      return check.unknown(name, `${purpose}: neither loaded nor to be found in what this system knows of its kernel`);
    }
    if (found !== 'missing') return check.ok(name, `${purpose}: ${found === 'available' ? 'can be loaded' : found}`);
    const missing = `${purpose}: not in this kernel`;
    if ('without' in module) return check.ok(name, `${missing}; ${module.without}`);
    const instead = 'instead' in module ? module.instead : undefined;
    if (instead !== undefined && THERE.includes(state(instead))) return check.ok(name, `${missing}; ${instead} is`);
    return check.wrong(name, missing, { hint: `boot a kernel that has ${name}` });
  });
}
