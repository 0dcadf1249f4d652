/** gretap devices: their flags and MTUs against the bridge, the path and the rules. */
import { quoteWord } from '../net/replay.js';
import { maySeePort } from './bridge.js';
import { clearsAt } from './fast-path.js';
import { type Feed, feedsOf, seesPort } from './feed.js';
import { type Finding, checkOf } from './finding.js';
import type { Fix } from './fix.js';
import {
  changeGre,
  setsOuterDf,
  endsOf,
  fixedTtl,
  gretapsOf,
  hasFlag,
  overheadOf,
  refusesLarge,
  withoutTtl,
} from './gre-device.js';
import { type Device, type Machine, known, pathTo } from './machine.js';
import { type NftRule, devicesIn, ipWrites, isAmong, nftListing } from './nft-listing.js';
import { portMtu } from './port-mtu.js';

export function examineGretaps(machine: Machine): Finding[] {
  const check = checkOf('tunnel', 'devices');
  if ('unknown' in machine.devices) return [check.unread('gretap devices', machine.devices)];
  const gretaps = gretapsOf(machine);
  if (gretaps.length === 0) return [check.ok('gretap devices', 'there is none')];
  return gretaps.flatMap((device) => [
    ...portMtu(machine, device),
    fullSize(machine, device),
    outerDf(machine, device),
    ttl(device),
    sequence(device),
    checksum(device),
    authenticated(machine, device),
  ]);
}

/** Whether a frame of the device's own MTU with DF set gets into the tunnel. */
function fullSize(machine: Machine, device: Device): Finding {
  const check = checkOf('tunnel', 'full-size');
  const { name, mtu, txErrors } = device;
  const what = `full-size DF frames into ${name}`;
  if (!refusesLarge(device)) return check.ok(what, 'ignore-df: they are fragmented outside');
  const { remote } = endsOf(device);
  const path = pathTo(machine, remote);
  const outer = mtu + overheadOf(device);
  if ('known' in path && outer <= path.known.mtu) {
    return check.ok(what, `${outer} bytes outside fit the path's MTU of ${path.known.mtu}`);
  }
  const program = clearsAt(machine, name);
  if (program !== undefined && !setsOuterDf(device)) {
    return check.ok(what, `a program at its egress (clear-df:${program.name}) clears DF before the tunnel`);
  }
  const { feeds, unread } = feedsOf(machine);
  const feed = feeds.find((each) => seesPort(each, device));
  if (feed !== undefined) return check.ok(what, `${feed.backend} ${feed.chain} queues them before the tunnel`);
  const written = inKernel(machine, device);
  if (written !== undefined) {
    const place = `handle ${written.handle} of ${written.family} ${written.table} ${written.chain}`;
    const { answer } = machine.can.nftClearsDf;
    if (answer === 'yes') return check.ok(what, `${place} clears DF before the tunnel`);
    const evidence = `${place} should clear DF; whether this kernel lets it: ${answer}`;
    return answer === 'no'
      ? check.wrong(what, evidence, { fix: remedy(device) })
      : check.unknown(what, evidence, { fix: remedy(device) });
  }
  if ('unknown' in path) return check.unread(what, path);
  const [first] = unread;
  if (first !== undefined) return check.unread(what, first);
  const perhaps = feeds.find((each) => maySeePort(machine, each, device));
  if (perhaps !== undefined) {
    const { backend, chain, rule } = perhaps;
    return check.unknown(what, `whether ${backend} ${chain} queues them before the tunnel depends: ${rule}`);
  }
  const evidence =
    `${outer} bytes outside exceed the path's MTU of ${path.known.mtu}, no ignore-df, no rule at the bridge: ` +
    `they are dropped silently (TX errors of ${name}: ${txErrors})`;
  const hint = `or clear-df --queue 0 --install-rules --hook bridge --out-dev ${quoteWord(name)}`;
  return check.wrong(what, evidence, { fix: remedy(device), hint });
}

function remedy(device: Device): Fix {
  return changeGre(device, 'nopmtudisc', 'ignore-df');
}

/** An nft rule in the bridge family that writes the DF bit of frames to the device. */
function inKernel(machine: Machine, { name }: Device): NftRule | undefined {
  return known(nftListing(machine))?.rules.find((rule) => {
    const ports = devicesIn(rule, 'oifname', 'oif');
    const bridged = rule.family === 'bridge' && ipWrites(rule).some(({ field }) => field === 'frag-off');
    return bridged && ports !== undefined && isAmong(name, ports);
  });
}

/** With pmtudisc the outer header carries DF: it needs the outer hook beside the inner one. */
function outerDf(machine: Machine, device: Device): Finding {
  const check = checkOf('tunnel', 'outer-df');
  const what = `DF outside of ${device.name}`;
  if (!setsOuterDf(device)) return check.ok(what, 'nopmtudisc: never set');
  const { feeds, unread } = feedsOf(machine);
  const outer = feeds.find(({ sight }: Feed) => sight === 'outer');
  if (outer !== undefined) return check.ok(what, `set by pmtudisc, and ${outer.backend} ${outer.chain} queues it`);
  const [first] = unread;
  if (first !== undefined) return check.unread(what, first);
  const jumped = feeds.find(({ ipv4, hook, physdev }) => ipv4 && hook === undefined && !physdev);
  if (jumped !== undefined) {
    const { backend, chain, rule } = jumped;
    return check.unknown(
      what,
      `set by pmtudisc; whether it comes to ${backend} ${chain} depends on the jumps: ${rule}`,
    );
  }
  const evidence = 'pmtudisc sets it, and no rule at OUTPUT or POSTROUTING takes it away: what is too large is refused';
  return check.wrong(what, evidence, { fix: changeGre(device, ...withoutTtl(device), 'nopmtudisc') });
}

/** `ip tunnel` turns a fixed TTL into pmtudisc without saying so. */
function ttl(device: Device): Finding {
  const check = checkOf('tunnel', 'ttl');
  const fixed = fixedTtl(device);
  const what = `TTL of ${device.name}`;
  if (fixed === undefined) return check.ok(what, 'inherited');
  if (!setsOuterDf(device)) return check.ok(what, `${fixed}, and nopmtudisc holds all the same`);
  const evidence = `fixed to ${fixed}, with pmtudisc: a tunnel made with a fixed TTL has DF forced on its outer header`;
  return check.wrong(what, evidence, { fix: changeGre(device, 'ttl inherit', 'nopmtudisc') });
}

function sequence(device: Device): Finding {
  const check = checkOf('tunnel', 'seq');
  const what = `sequence numbers of ${device.name}`;
  const flags = (['iseq', 'oseq'] as const).filter((flag) => hasFlag(device, flag));
  if (flags.length === 0) return check.ok(what, 'none');
  const evidence = `${flags.join(' and ')}: a receiver with iseq drops what fragments and queues have put out of order`;
  return check.wrong(what, evidence, { fix: changeGre(device, 'noseq'), hint: 'and the same at the other end' });
}

function checksum(device: Device): Finding {
  const check = checkOf('tunnel', 'csum');
  const flags = (['icsum', 'ocsum'] as const).filter((flag) => hasFlag(device, flag));
  const evidence = flags.length === 0 ? 'none' : `${flags.join(' and ')}: 4 bytes more; clearing DF does not touch it`;
  return check.ok(`GRE checksum of ${device.name}`, evidence);
}

/** AH signs the identification, which a packet needs anew once its DF is clear (RFC 4302). */
function authenticated({ transforms }: Machine, device: Device): Finding {
  const check = checkOf('tunnel', 'ah');
  const what = `AH around ${device.name}`;
  if ('unknown' in transforms) return check.unread(what, transforms);
  const { local, remote } = endsOf(device);
  const concerns = (address: string) => [local, remote].includes(address.replace(/\/32$/, ''));
  const found = transforms.known.find(
    ({ protocol, source, destination }) => protocol === 'ah' && concerns(source) && concerns(destination),
  );
  if (found === undefined) return check.ok(what, 'none');
  const evidence = `${found.source} to ${found.destination}: AH signs the identification, so it can be neither given nor mended`;
  return check.wrong(what, evidence, { hint: 'use ESP, which does not cover the outer header' });
}
