/** What a tenant of SRv6 needs on this machine. */
import { quoteWord } from '../net/replay.js';
import { corePathFor } from '../tunnel/carriers/srv6/sizes.js';
import { pathOf } from '../tunnel/carriers/table.js';
import type { Site, Srv6Carrier } from '../tunnel/site/site.js';
import { type Finding, checkOf } from './finding.js';
import { setParameter, switchOn, upCommand } from './fix.js';
import { type Machine, known, pathTo } from './machine.js';
import { looseFilter, strictDevices } from './path.js';

const STRICT_MODE = 'net/vrf/strict_mode';

export function examineSrv6(machine: Machine, site: Site, spec: Srv6Carrier): Finding[] {
  const core = coreOf(machine, site);
  const path = core === undefined ? undefined : corePathFor(spec, site, core);
  const tenant = { name: spec.vrf, table: spec.table };
  const hop = { name: spec.hop.vrf, table: spec.hop.table };
  return [
    strictMode(machine, site),
    ...(path?.cut === 'second-hop' ? [tenant, hop] : [tenant]).map((vrf) => vrfFinding(machine, site, vrf)),
    coreMtu(path, site),
    filter(machine, spec),
  ];
}

function coreOf(machine: Machine, site: Site): number | undefined {
  return known(pathTo(machine, pathOf(site).to))?.mtu;
}

function strictMode(machine: Machine, site: Site): Finding {
  const check = checkOf('site', 'strict-mode');
  const what = 'strict mode of VRFs';
  const value = machine.sysctls.get(STRICT_MODE);
  if (value === '1') return check.ok(what, `${STRICT_MODE} is 1`);
  if (value === undefined) return check.wrong(what, 'the module vrf is not loaded', { fix: upCommand(site) });
  return check.wrong(what, `${STRICT_MODE} is ${value}: the kernel makes no segment with End.DT4`, {
    fix: setParameter(machine, STRICT_MODE, 1),
  });
}

function vrfFinding({ devices }: Machine, site: Site, { name, table }: { name: string; table: number }): Finding {
  const check = checkOf('site', 'vrf');
  const what = `VRF ${name}`;
  if ('unknown' in devices) return check.unread(what, devices);
  const device = devices.known.find((one) => one.name === name);
  if (device === undefined) return check.wrong(what, 'there is no such device', { fix: upCommand(site) });
  if (device.kind !== 'vrf' || Number(device.data['table']) !== table) {
    const found = device.kind === 'vrf' ? `it has table ${String(device.data['table'])}` : 'it is no VRF';
    return check.wrong(what, `${found}, the file says table ${table}`, { hint: site.place('carrier.vrf') });
  }
  if (!device.up) return check.wrong(what, 'down', { fix: switchOn(name) });
  return check.ok(what, `up, with table ${table}`);
}

function coreMtu(path: ReturnType<typeof corePathFor> | undefined, site: Site): Finding {
  const check = checkOf('site', 'core-mtu');
  const what = `core of ${site.underlay}`;
  if (path === undefined) return check.unknown(what, `the path to ${pathOf(site).to} is not known`);
  const { cut, core, needed, because } = path;
  if (cut === 'second-hop' || core >= needed) return check.ok(what, because);
  return check.wrong(what, `${because}; the path carries ${core}: full packets are lost`, {
    fix: `ip link set ${quoteWord(site.underlay)} mtu ${needed}`,
    hint: `every link of the core as well; or, in ${site.place('carrier.cut')}, cut: auto`,
  });
}

function filter(machine: Machine, { vrf }: Srv6Carrier): Finding {
  const check = checkOf('site', 'rp-filter');
  const what = `rp_filter of ${vrf}`;
  const strict = strictDevices(machine);
  if (strict === undefined) return check.unknown(what, 'rp_filter cannot be read');
  if (!strict.includes(vrf)) return check.ok(what, 'not strict');
  const evidence = 'strict, but what comes out of the segment is answered by another device: it is dropped';
  return check.wrong(what, evidence, { fix: looseFilter(machine, vrf) });
}
