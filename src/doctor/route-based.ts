/** The device of carriers vti and xfrm-interface: whether it is there, what it cannot send, and what would get past it. */
import { isInPrefix } from '../net/address.js';
import { espTunnelLayers } from '../tunnel/carriers/esp/keying.js';
import { ifIdOf, readGreKey } from '../tunnel/items/tunnel-device.js';
import { hex, markText, sameMark } from '../tunnel/mark.js';
import type { Site, VtiCarrier, XfrmInterfaceCarrier } from '../tunnel/site/site.js';
import { type Finding, checkOf } from './finding.js';
import { setMtu, setParameter, upCommand } from './fix.js';
import { type Device, type Machine, type Transform, known } from './machine.js';

type Spec = VtiCarrier | XfrmInterfaceCarrier;

export function examineRouteBased(machine: Machine, site: Site): Finding[] {
  const { carrier } = site;
  if (carrier.type !== 'vti' && carrier.type !== 'xfrm-interface') return [];
  const check = checkOf('site', 'carrier-device');
  const what = `${carrier.type} ${carrier.device}`;
  if ('unknown' in machine.devices) return [check.unread(what, machine.devices)];
  const device = machine.devices.known.find(({ name }) => name === carrier.device);
  const fix = upCommand(site);
  if (device === undefined) return [check.wrong(what, 'there is no such device', { fix })];
  return [
    identity(carrier, site, device, fix),
    size(carrier, site, machine, device),
    sending(carrier, device),
    ...flags(carrier, machine),
    ...rule(carrier, machine, fix),
    ...marks(carrier, site, machine),
    ...globals(carrier, site, machine),
  ];
}

function identity(carrier: Spec, site: Site, { name, kind, data, up }: Device, fix: string): Finding {
  const check = checkOf('site', 'carrier-device');
  const what = `${carrier.type} ${name}`;
  const wanted = carrier.type === 'vti' ? 'vti' : 'xfrm';
  if (kind !== wanted) return check.wrong(what, `it is a device of kind ${kind ?? 'hardware'}`, { fix });
  if (!up) return check.wrong(what, 'down, and its routes are gone with that', { fix });
  if (carrier.type === 'vti') {
    const keys = [readGreKey(data['ikey']), readGreKey(data['okey'])];
    const ends = `from ${String(data['local'])} to ${String(data['remote'])}`;
    if (data['local'] !== site.local || data['remote'] !== site.remote) return check.wrong(what, ends, { fix });
    if (keys.some((key) => key !== carrier.mark.value)) {
      const shown = keys.map((key) => (key === undefined ? 'none' : hex(key))).join(' and ');
      const evidence = `keys ${shown}, its policies have mark ${hex(carrier.mark.value)}; both keys have to be that`;
      return check.wrong(what, evidence, { fix });
    }
    return check.ok(what, `up, ${ends}, key ${hex(carrier.mark.value)}`);
  }
  const found = ifIdOf(data);
  if (found === carrier.ifId) return check.ok(what, `up, if_id ${hex(found)}`);
  return check.wrong(what, `if_id ${found === undefined ? 'none' : hex(found)}, the file says ${hex(carrier.ifId)}`, {
    fix,
  });
}

/** Larger than what ESP leaves of the underlay, GRE is cut twice. */
function size({ cipher }: Spec, { underlay }: Site, machine: Machine, { name, mtu }: Device): Finding {
  const check = checkOf('site', 'carrier-mtu');
  const what = `MTU of ${name}`;
  const limit = (known(machine.devices) ?? []).find((device) => device.name === underlay)?.mtu;
  if (limit === undefined) return check.unknown(what, `there is no ${underlay} to compare it with`);
  const espOf = (length: number) => espTunnelLayers(length, cipher).reduce((sum, { bytes }) => sum + bytes, length);
  if (espOf(mtu) <= limit) return check.ok(what, `${mtu}: ESP around it has ${espOf(mtu)} bytes of ${limit}`);
  let fits = limit;
  while (fits > 0 && espOf(fits) > limit) fits -= 1;
  const evidence = `${mtu}: ESP around it has ${espOf(mtu)} bytes, ${underlay} takes ${limit}: large packets are cut twice`;
  return check.wrong(what, evidence, { fix: setMtu({ name, mtu }, fits) });
}

/** Both counters mean packets that were lost. */
function sending({ type }: Spec, { name, collisions = 0, txCarrierErrors = 0, txErrors }: Device): Finding {
  const check = checkOf('site', 'carrier-errors');
  const what = `packets that ${name} could not send`;
  if (collisions > 0) {
    const evidence = `${collisions} came back to it (collsns): its ESP is routed into it again`;
    return check.wrong(what, evidence, {
      hint: 'the outbound association needs output-mark, and the rule has to leave that mark alone',
    });
  }
  if (txCarrierErrors > 0) {
    const evidence = `${txCarrierErrors} (TX carrier): no policy or association for them was found${type === 'vti' ? ', or disable_xfrm is 1' : ''}`;
    return check.wrong(what, evidence, {
      hint: 'grep -v "0$" /proc/net/xfrm_stat, ip xfrm policy, ip xfrm state: and compare again',
    });
  }
  return check.ok(what, txErrors === 0 ? 'none' : `${txErrors} TX errors`);
}

function flags(carrier: Spec, machine: Machine): Finding[] {
  if (carrier.type !== 'vti') return [];
  const check = checkOf('site', 'carrier-flags');
  const folder = `net/ipv4/conf/${carrier.device}`;
  const [xfrm, policy] = ['disable_xfrm', 'disable_policy'].map((name) => machine.sysctls.get(`${folder}/${name}`));
  const what = `sysctls of ${carrier.device}`;
  if (xfrm === '1') {
    return [
      check.wrong(what, 'disable_xfrm is 1: nothing is encrypted, so nothing enters', {
        fix: setParameter(machine, `${folder}/disable_xfrm`, 0),
      }),
    ];
  }
  if (policy === '0') {
    return [
      check.wrong(what, 'disable_policy is 0: what comes out is checked once more, by global policies', {
        fix: setParameter(machine, `${folder}/disable_policy`, 1),
      }),
    ];
  }
  return [
    xfrm === undefined
      ? check.unknown(what, 'they cannot be read')
      : check.ok(what, 'disable_policy 1, disable_xfrm 0'),
  ];
}

/** Only where the routers' own addresses go by the device. */
function rule({ inner, mark, table, priority }: Spec, { rules }: Machine, fix: string): Finding[] {
  if (inner !== undefined) return [];
  const check = checkOf('site', 'carrier-rule');
  const what = `rule that leaves mark ${markText(mark)} alone`;
  if ('unknown' in rules) return [check.unread(what, rules)];
  const wanted = `not from all fwmark ${markText(mark)} lookup ${table}`;
  const ours = rules.known.find(({ family, preference }) => family === 4 && preference === priority);
  const found = ours?.words.join(' ').replace(/(fwmark 0x[\da-f]+)(?= )/, '$1/0xffffffff');
  if (found === wanted) return [check.ok(what, `${priority}: ${wanted}`)];
  return [check.wrong(what, found === undefined ? 'it is not there' : `${priority}: ${found}`, { fix })];
}

/** ESP without the mark of the rule is routed into the device again. */
function marks({ inner, mark }: Spec, { local, remote }: Site, { transforms }: Machine): Finding[] {
  if (inner !== undefined) return [];
  const check = checkOf('site', 'carrier-mark');
  const what = `mark of ESP to ${remote}`;
  if ('unknown' in transforms) return [check.unread(what, transforms)];
  const out = transforms.known.filter(
    ({ direction, protocol, source, destination }) =>
      direction === undefined && protocol === 'esp' && source === local && destination === remote,
  );
  if (out.length === 0)
    return [check.wrong(what, 'there is no association', { hint: 'clear-df tunnel up, or the IKE daemon' })];
  const other = out.find(({ outputMark }) => !sameMark(outputMark, mark));
  if (other === undefined) return [check.ok(what, `output-mark ${markText(mark)}, as in the rule`)];
  const shown = other.outputMark === undefined ? 'none' : markText(other.outputMark);
  return [
    check.wrong(what, `output-mark ${shown}, the rule leaves ${markText(mark)} alone`, {
      hint: 'make one of the two match the other',
    }),
  ];
}

/** See `check/global-policies.ts`: these came after `up`. */
function globals(carrier: Spec, site: Site, { transforms }: Machine): Finding[] {
  if (carrier.type !== 'vti') return [];
  const check = checkOf('site', 'carrier-policies');
  const what = `policies beside those of ${carrier.device}`;
  if ('unknown' in transforms) return [check.unread(what, transforms)];
  const { local, remote } = carrier.inner ?? site;
  const covers = ({ source, destination }: Transform, from: string, to: string) =>
    holds(source, from) && holds(destination, to);
  const found = transforms.known.find(
    (one) =>
      // A guard of ours lets GRE into the device; other protocols do not concern the tunnel.
      one.greKey === undefined &&
      (one.selects === undefined || one.selects === 'gre' || one.selects === '47') &&
      (one.direction === 'out' ? covers(one, local, remote) : one.direction === 'in' && covers(one, remote, local)) &&
      one.mark === undefined &&
      one.ifId === undefined,
  );
  if (found === undefined) return [check.ok(what, 'none that matches every mark')];
  const evidence = `${found.direction}, ${found.source} to ${found.destination}: it matches every mark, and takes what belongs to the VTI`;
  return [check.wrong(what, evidence, { hint: 'give it a narrower selector and mark 0 mask 0xffffffff' })];
}

function holds(prefix: string, address: string): boolean {
  return !prefix.includes(':') && isInPrefix(address, prefix.includes('/') ? prefix : `${prefix}/32`);
}
