/** The path to the other end: what path MTU discovery has learnt, fragments, and filters of the return path. */
import { type Finding, checkOf } from './finding.js';
import { type Fix, forgetLearnt, setParameter } from './fix.js';
import { endsOf, gretapsOf, refusesLarge } from './gre-device.js';
import { type Device, type LearntRoute, type Machine, known, pathTo } from './machine.js';

/** Devices whose learnt MTU only says how the kernel cuts what has no DF. */
const HARMLESS_KINDS: readonly (string | undefined)[] = ['vti', 'vti6', 'xfrm'];
const TUN_KINDS: readonly (string | undefined)[] = [...HARMLESS_KINDS, 'tun'];
const STRICT = 1;

export function examinePath(machine: Machine): Finding[] {
  return [...poisoned(machine), ...refusals(machine), ...reversePath(machine)];
}

/** What is learnt while frames vanish outlives the cure by ten minutes. */
function poisoned(machine: Machine): Finding[] {
  const check = checkOf('path', 'pmtu-cache');
  if ('unknown' in machine.learnt) return [check.unread('learnt path MTUs', machine.learnt)];
  const findings = machine.learnt.known.map((route) => learntFinding(machine, route));
  return findings.length > 0 ? findings : [check.ok('learnt path MTUs', 'none')];
}

function learntFinding(machine: Machine, route: LearntRoute): Finding {
  const check = checkOf('path', 'pmtu-cache');
  const { destination, dev, mtu, expires } = route;
  const what = `path MTU to ${destination}`;
  const device = (known(machine.devices) ?? []).find(({ name }) => name === dev);
  const learnt = `learnt ${mtu} by ${dev}${expires === undefined ? '' : `, for ${expires} s more`}`;
  if ('unknown' in machine.devices) return check.unread(what, machine.devices);
  if (HARMLESS_KINDS.includes(device?.kind)) {
    return check.ok(what, `${learnt}: harmless there, packets without DF are cut to it`);
  }
  const remote = gretapsOf(machine).find((gretap) => endsOf(gretap).remote === destination);
  const whose = remote === undefined ? (bridgeHosts(device) ?? routedHosts(device)) : `the far end of ${remote.name}`;
  if (whose === undefined) return check.ok(what, `${learnt}: neither a tunnel's end nor behind a bridge`);
  const evidence = `${learnt}: ${whose}; it outlives what caused it`;
  return check.wrong(what, evidence, { fix: forgetLearnt() });
}

function bridgeHosts(device: Device | undefined): string | undefined {
  return device?.kind === 'bridge' ? `a host behind ${device.name}, whose MTU is ${device.mtu}` : undefined;
}

/** Behind a gre with ignore-df: it refuses nothing, and what it refused before is remembered of the host. */
function routedHosts(device: Device | undefined): string | undefined {
  const takes = device?.kind === 'gre' && !refusesLarge(device);
  return takes ? `a host behind ${device.name}, which takes packets of ${device.mtu}` : undefined;
}

/** FragFails counts packets that were too large here and had DF. */
function refusals({ counters }: Machine): Finding[] {
  const check = checkOf('path', 'frag-fails');
  const what = 'packets refused for DF';
  if ('unknown' in counters) return [check.unread(what, counters)];
  const fails = counters.known.get('IpFragFails');
  const creates = counters.known.get('IpFragCreates');
  if (fails === undefined || creates === undefined) return [check.unknown(what, '/proc/net/snmp has no such counter')];
  const evidence = `FragFails ${fails}, FragCreates ${creates} since this namespace began`;
  return [check.ok(what, fails === 0 ? evidence : `${evidence}; compare again while the trouble lasts`)];
}

/** Strict reverse path filtering drops what comes in by another device than answers would leave by. */
function reversePath(machine: Machine): Finding[] {
  const check = checkOf('path', 'rp-filter');
  // One that is bound to a VRF has its route in another table: see srv6.ts.
  const free = gretapsOf(machine).filter(({ data }) => data['link'] === undefined);
  return free.map((gretap) => {
    const { remote } = endsOf(gretap);
    const what = `rp_filter for ${remote}`;
    const path = pathTo(machine, remote);
    if ('unknown' in path) return check.unread(what, path);
    const { dev } = path.known;
    const carrier = (known(machine.devices) ?? []).find(({ name }) => name === dev);
    const strict = strictDevices(machine);
    if (strict === undefined) return check.unknown(what, 'rp_filter cannot be read');
    const others = strict.filter((name) => name !== dev && name !== gretap.name && name !== gretap.master);
    if (others.length === 0) return check.ok(what, `no other device than ${dev} is strict`);
    if (TUN_KINDS.includes(carrier?.kind)) {
      const evidence = `answers leave by ${dev}, but the outer packets come in by another device: strict on ${others.join(', ')}`;
      return check.unknown(what, evidence, { fix: looseFilter(machine, others[0] ?? '') });
    }
    return check.ok(what, `packets to and from ${remote} use ${dev}; strict elsewhere (${others.join(', ')})`);
  });
}

/** What comes in by the device may be answered by any other. */
export function looseFilter(machine: Machine, device: string): Fix {
  return setParameter(machine, `net/ipv4/conf/${device}/rp_filter`, 2);
}

/** Devices with strict filtering; the larger of a device's own value and that of `all` counts. */
export function strictDevices({ sysctls, devices }: Machine): string[] | undefined {
  const value = (name: string) => sysctls.get(`net/ipv4/conf/${name}/rp_filter`);
  const all = value('all');
  if (all === undefined) return undefined;
  return (known(devices) ?? [])
    .filter(({ up, kind }) => up && kind !== 'gretap')
    .map(({ name }) => name)
    .filter((name) => name !== 'lo' && Math.max(Number(all), Number(value(name) ?? 0)) === STRICT);
}
