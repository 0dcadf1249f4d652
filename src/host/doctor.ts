/** Reads all that the doctor judges. Changes nothing: what has to be tried is tried in a namespace that goes again. */
import { release } from 'node:os';
import { endsOf } from '../doctor/gre-device.js';
import { MODULE_NAMES } from '../doctor/kernel.js';
import { type Device, type Machine, type Path, type Reading, known } from '../doctor/machine.js';
import { pathOf } from '../tunnel/carriers/table.js';
import type { Site } from '../tunnel/site/site.js';
import { readLearnt, readPath } from './read/path.js';
import { inFirstUsers, netAdmin } from './read/rights.js';
import { readAbilities } from './doctor/abilities.js';
import { readCounters, readFragmentMemory } from './read/counters.js';
import { readDevices, readLinks } from './read/links.js';
import { readFastPaths } from './doctor/fast-paths.js';
import { readRules } from './read/routes.js';
import { moduleStates, readKernel } from './read/modules.js';
import { readHeldQueues } from './doctor/queues.js';
import { reading } from './doctor/reading.js';
import { readRulesets } from './doctor/rulesets.js';
import { readParameters } from './read/sysctls.js';
import { readSeals, readTransforms } from './doctor/ipsec.js';
import { nftVersion, readTools } from './doctor/tools.js';
import { readVlans } from './read/vlans.js';
import type { Runner } from './exec.js';

/** Modules that only the carrier of a site, or the type of its tunnel, needs. */
const CARRIER_MODULES = ['esp4', 'ip_vti', 'vrf', 'xfrm_interface', 'l2tp_eth', 'l2tp_ip', 'l2tp_ip6', 'vxlan'];

/**
 * The machine as it is. What cannot be read is unknown and says why.
 * @param site whose far end is looked for as well
 */
export async function readMachine(runner: Runner, site?: Site): Promise<Omit<Machine, 'daemon'>> {
  // First: what follows may load some.
  const kernel = readKernel();
  const modules = moduleStates([...MODULE_NAMES, ...CARRIER_MODULES], kernel);
  const listed = await reading(readDevices(runner));
  const devices: Machine['devices'] = 'known' in listed ? { known: listed.known.devices } : listed;
  const oddDevices = known(listed)?.odd ?? [];
  const names = (known(devices) ?? []).map(({ name }) => name);
  const rulesets = readRulesets(runner, kernel);
  const [tools, learnt, paths, transforms, seals, rules, can, ike, vlans, fastPaths] = await Promise.all([
    rulesets.then(({ nftJson }) => readTools(runner, { nft: nftVersion(nftJson) })),
    reading(readLearnt(runner)),
    readPaths(runner, farEnds(known(devices) ?? [], site)),
    reading(readTransforms(runner, kernel)),
    readSeals(runner, kernel, site),
    reading(readRules(runner)),
    rulesets.then((read) => readAbilities(runner, kernel, read)),
    ikeOf(runner, site),
    reading(readVlans(runner)),
    readFastPaths(runner),
  ]);
  return {
    kernel: release(),
    netAdmin: netAdmin(),
    initialUsers: inFirstUsers(),
    queues: readHeldQueues(),
    sysctls: readParameters(names),
    counters: readCounters(),
    fragmentMemory: readFragmentMemory(),
    ...(await rulesets),
    ...{ tools, modules, devices, oddDevices, learnt, paths, transforms, seals, rules, can, ike, vlans },
    fastPaths,
  };
}

/** Loaded for a site alone: with it comes what reads the journal. */
async function ikeOf(runner: Runner, site: Site | undefined): Promise<Machine['ike']> {
  return site === undefined ? undefined : (await import('./doctor/ike.js')).readIkeOf(runner, site);
}

/** Far ends, each with the address that the tunnel sends from: a router with two uplinks may choose by that. */
function farEnds(devices: readonly Device[], site: Site | undefined): Map<string, string | undefined> {
  // One that is bound to a VRF has its route in another table.
  const kinds: readonly (string | undefined)[] = ['gretap', 'erspan', 'gre', 'ipip', 'sit'];
  const free = devices.filter(({ kind, data }) => kinds.includes(kind) && data['link'] === undefined);
  const ends = free.map(endsOf).filter(({ remote }) => remote !== 'any');
  return new Map([
    ...ends.map(({ local, remote }) => [remote, local === 'any' ? undefined : local] as const),
    ...(site === undefined ? [] : [pathOf(site).to, ...(site.moreRemotes ?? [])]).map(
      (remote) => [remote, site && pathOf(site).from] as const,
    ),
  ]);
}

async function readPaths(
  runner: Runner,
  ends: ReadonlyMap<string, string | undefined>,
): Promise<Map<string, Reading<Path | undefined>>> {
  if (ends.size === 0) return new Map();
  const listed = await reading(readLinks(runner));
  if ('unknown' in listed) return new Map([...ends.keys()].map((remote) => [remote, listed]));
  const found = [...ends].map(async ([remote, local]): Promise<[string, Reading<Path | undefined>]> => {
    const path = await reading(readPath(runner, remote, listed.known.links, local));
    if ('unknown' in path || path.known === undefined) return [remote, path];
    return [remote, { known: { dev: path.known.dev, mtu: path.known.mtu } }];
  });
  return new Map(await Promise.all(found));
}
