/** What one site needs of this machine beyond what any machine needs. */
import { carrierDevices, carrierOf, pathOf } from '../tunnel/carriers/table.js';
import { typeOf } from '../tunnel/types/table.js';
import { remotesOf, type Site } from '../tunnel/site/site.js';
import { type Finding, checkOf } from './finding.js';
import { setMtu, switchOn, upCommand } from './fix.js';
import { endsOf } from './gre-device.js';
import { type Machine, type ModuleState, known, noRoute, pathTo } from './machine.js';
import { examineIke } from './ike.js';
import { examineInput } from './site-input.js';
import { examineInnerCut, expectedMtu } from './site-fragment.js';
import { examinePort } from './site-port.js';
import { looseFilter, strictDevices } from './path.js';
import { isClearDf } from './queue.js';
import { examineRouteBased } from './route-based.js';
import { examineSeals } from './seals.js';
import { examineSrv6 } from './srv6.js';

export function examineSite(machine: Machine, site: Site): Finding[] {
  return [
    ...modules(machine, site),
    engine(machine, site),
    ...devices(machine, site),
    ...sessionFinding(machine, site),
    ...[pathOf(site).to, ...(site.moreRemotes ?? [])].map((remote) => pathFinding(machine, site, remote)),
    ...(site.carrier.type === 'srv6' ? examineSrv6(machine, site, site.carrier) : filter(machine, site)),
    ...examineRouteBased(machine, site),
    ...examineSeals(machine, site),
    ...examineInput(machine, site),
    ...examinePort(machine, site),
    ...examineInnerCut(machine, site),
    ...queues(machine, site),
    ...examineIke(machine, site),
  ];
}

/** Modules that the plan loads or that the kernel must have. */
function modules({ modules: states }: Machine, site: Site): Finding[] {
  const { carrier, engine: chosen, hook } = site;
  const check = checkOf('site', 'modules');
  const bridged = chosen === 'nfqueue' && hook === 'br-netfilter' ? ['br_netfilter', 'xt_physdev', 'xt_NFQUEUE'] : [];
  const device = carrierOf(site).module;
  const needed = [
    ...[
      ...typeOf(site)
        .modules()
        .map(({ key }) => key.replace(/^module /, '')),
      ...bridged,
      ...('keys' in carrier ? ['esp4'] : []),
    ],
    ...(device === undefined ? [] : [device]),
  ];
  return needed.map((name) => {
    const state: ModuleState = states.get(name) ?? 'unknown';
    const what = `${name} for this site`;
    if (state === 'unknown') return check.unknown(what, 'whether this kernel has it is not known');
    if (state === 'missing') return check.wrong(what, 'not in this kernel', { hint: `boot a kernel that has ${name}` });
    return check.ok(what, state === 'available' ? 'can be loaded' : state);
  });
}

/** Whether the engine that the file asks for works here. */
function engine({ can }: Machine, site: Site): Finding {
  const check = checkOf('site', 'engine');
  const what = `engine ${site.engine}`;
  const native = site.engine === 'nfqueue' && site.hook === 'nft-bridge';
  const asked = native ? can.nftBridgeQueue : undefined;
  if (asked === undefined) return check.ok(what, 'nothing here speaks against it');
  const place = site.place('hook');
  if (asked.answer === 'unknown') return check.unknown(what, asked.evidence);
  if (asked.answer === 'yes') return check.ok(what, asked.evidence);
  return check.wrong(what, asked.evidence, { hint: `${place}: choose another, or auto` });
}

function devices(machine: Machine, site: Site): Finding[] {
  const check = checkOf('site', 'devices');
  if ('unknown' in machine.devices) return [check.unread('devices of this site', machine.devices)];
  const all = machine.devices.known;
  const find = (name: string) => all.find((device) => device.name === name);
  const underlay = find(site.underlay);
  const ports = site.bridge.ports.map((name) => {
    const port = find(name);
    const what = `port ${name}`;
    if (port === undefined) return check.wrong(what, 'there is no such device', { hint: site.place('bridge.ports') });
    if (port.master !== site.bridge.name)
      return check.wrong(what, `not in ${site.bridge.name}`, { fix: upCommand(site) });
    return check.ok(what, `in ${site.bridge.name}, MTU ${port.mtu}`);
  });
  return [
    underlay === undefined
      ? check.wrong(`underlay ${site.underlay}`, 'there is no such device', { hint: site.place('underlay') })
      : underlay.up
        ? check.ok(`underlay ${site.underlay}`, `up, MTU ${underlay.mtu}`)
        : check.wrong(`underlay ${site.underlay}`, 'down', { fix: switchOn(site.underlay) }),
    ...ports,
    tunnelDevice(site, find(site.tunnel.name), expectedMtu(machine, site)),
  ];
}

function tunnelDevice(site: Site, device: Parameters<typeof endsOf>[0] | undefined, mtu: number | undefined): Finding {
  const check = checkOf('site', 'tunnel');
  const { name } = site.tunnel;
  const what = `tunnel ${name}`;
  if (device === undefined) return check.wrong(what, 'there is no such device', { fix: upCommand(site) });
  // The kernel names no kind for the device of an L2TPv3 session.
  const kind = site.tunnel.type === 'l2tp' ? undefined : site.tunnel.type;
  if (device.kind !== kind)
    return check.wrong(what, `it is a ${device.kind ?? 'device'}, not ${typeOf(site).what}`, { fix: upCommand(site) });
  const { local, remote } = endsOf(device);
  const wanted = carrierOf(site).ends();
  if (kind === 'gretap' && (local !== wanted.local || remote !== wanted.remote)) {
    return check.wrong(what, `from ${local} to ${remote}, the file says ${wanted.local} to ${wanted.remote}`, {
      fix: upCommand(site),
    });
  }
  if (mtu !== undefined && device.mtu !== mtu) {
    const asked = site.fragment === 'outer' ? `the file says ${mtu}` : `fragment: inner takes ${mtu} on this path`;
    return check.wrong(what, `MTU ${device.mtu}, ${asked}`, { fix: setMtu(device, mtu) });
  }
  if (!device.up) return check.wrong(what, 'down', { fix: switchOn(name) });
  const ends = kind === 'gretap' ? `from ${local} to ${remote}, ` : '';
  return check.ok(what, `up, ${ends}MTU ${device.mtu}`);
}

/** An L2TPv3 session takes every frame that its MTU does; nothing has to help. */
function sessionFinding({ devices: read }: Machine, { tunnel: { type, name } }: Site): Finding[] {
  const device = (known(read) ?? []).find((one) => one.name === name);
  if (type !== 'l2tp' || device === undefined) return [];
  const check = checkOf('tunnel', 'full-size');
  return [
    check.ok(
      `full-size DF frames into ${name}`,
      'an L2TPv3 session: DF inside does not count, they are fragmented outside',
    ),
  ];
}

function pathFinding({ paths }: Machine, { underlay, carrier }: Site, remote: string): Finding {
  const ip = remote.includes(':') ? 'ip -6' : 'ip';
  const check = checkOf('site', 'path');
  const what = `path to ${remote}`;
  const path = paths.get(remote);
  if (path === undefined) return check.unknown(what, 'it was not looked for');
  if ('unknown' in path) return check.unread(what, path);
  if (path.known === undefined) {
    const hint = `${ip} route add ${remote} via GATEWAY dev ${underlay}`;
    return check.wrong(what, noRoute(remote), { hint });
  }
  const { dev, mtu } = path.known;
  // The routers' own addresses go by the carrier's device, where it has none.
  const own = 'inner' in carrier && carrier.inner === undefined ? carrierDevices(carrier)[0] : undefined;
  const wanted = own ?? underlay;
  if (dev === wanted) return check.ok(what, `by ${dev}, MTU ${mtu}`);
  if (own !== undefined) {
    return check.wrong(what, `by ${dev}, and so past ${own}: GRE that no guard holds back leaves unencrypted`, {
      hint: `ip rule, and ip route get ${remote}: which of them leads there`,
    });
  }
  return check.wrong(what, `by ${dev}, the file says ${underlay}`, {
    hint: `${ip} route get ${remote} shows which route leads there`,
  });
}

/** Strict filtering drops what comes in by the underlay when answers would leave by another device. */
function filter(machine: Machine, site: Site): Finding[] {
  const { underlay } = site;
  const check = checkOf('site', 'rp-filter');
  const what = `rp_filter of ${underlay}`;
  const strict = strictDevices(machine);
  if (strict !== undefined && !strict.includes(underlay)) return [check.ok(what, 'not strict')];
  const paths = remotesOf(site).map((remote) => ({ remote, dev: known(pathTo(machine, remote))?.dev }));
  const other = paths.find(({ dev }) => dev !== undefined && dev !== underlay);
  if (strict !== undefined && other !== undefined) {
    const evidence = `strict, but the route to ${other.remote} leaves by ${other.dev}: what comes in by ${underlay} is dropped`;
    return [check.wrong(what, evidence, { fix: looseFilter(machine, underlay) })];
  }
  if (strict === undefined || paths.some(({ dev }) => dev === undefined)) {
    return [check.unknown(what, 'rp_filter or the route cannot be read')];
  }
  return [check.ok(what, 'strict, and answers leave by it as well')];
}

/** The queues of the file, where its engine wants them. */
function queues({ queues: held }: Machine, site: Site): Finding[] {
  if (site.engine !== 'nfqueue') return [];
  const check = checkOf('site', 'queues');
  const numbers = Array.from({ length: site.queues.last - site.queues.first + 1 }, (_, i) => site.queues.first + i);
  if ('unknown' in held) return [check.unread('queues of this site', held)];
  return numbers.map((number) => {
    const what = `queue ${number} of this site`;
    const holder = held.known.find(({ queue }) => queue === number);
    if (holder === undefined)
      return check.wrong(what, 'no process has it bound: frames pass unchanged', { fix: upCommand(site) });
    const { process } = holder;
    if (process === undefined)
      return check.unknown(what, `held by port id ${holder.portId}, whose process does not show`);
    const evidence = `held by process ${process.pid} (${process.name})`;
    if (isClearDf(holder)) return check.ok(what, evidence);
    return check.wrong(what, `${evidence}, which is not clear-df`, {
      hint: `${site.place('queue')}: take another queue`,
    });
  });
}
