/** What cannot be right in a site file, whatever the machine is like. */
import { oneOf } from '../../errors.js';
import { bytesOf } from '../../net/overhead.js';
import { IPV4_LENGTH_MAX } from '../../net/protocol.js';
import { carrierOf } from '../carriers/table.js';
import { typeOf } from '../types/table.js';
import { gretapOf, type Site } from '../site/site.js';
import { refuseInnerCut } from './fragment.js';
import { refuseOfType } from './tunnel-type.js';
import { siteError } from '../site/error.js';

/**
 * Refuses values that contradict each other.
 * @param given whether a key stands in the file
 * @throws ClearDfError USAGE with the place of the value that came second
 */
export function refuseContradictions(site: Site, given: (key: string) => boolean): void {
  refuseOfType(site, given);
  refuseAddresses(site);
  refuseSameNames(site);
  refuseLength(site);
  refuseTunnelFlags(site);
  refuseInnerCut(site);
  refuseEngine(site);
  refuseFanout(site);
  typeOf(site).refuse(given);
  carrierOf(site).refuse(given);
}

function refuseAddresses(site: Site): void {
  if (site.local !== site.remote) return;
  const key = site.place('remote') === site.file ? 'remotes.0' : 'remote';
  throw siteError(
    site,
    key,
    `${site.remote} is the local address as well (${site.place('local')}); a tunnel has two ends`,
    "give the other router's address",
  );
}

/** Every device has one part to play. */
function refuseSameNames(site: Site): void {
  const parts = [
    { key: 'underlay', name: site.underlay, what: 'the underlay' },
    ...site.bridge.ports.map((name, i) => ({ key: `bridge.ports.${i}`, name, what: 'a port of the bridge' })),
    { key: 'bridge.name', name: site.bridge.name, what: 'the bridge' },
    { key: 'tunnel.name', name: site.tunnel.name, what: 'the tunnel' },
    ...carrierOf(site).devices(),
  ];
  for (const [i, part] of parts.entries()) {
    const first = parts.slice(0, i).find(({ name }) => name === part.name);
    if (first === undefined) continue;
    const twice = first.what === part.what;
    const loop = first.key === 'underlay' && part.key.startsWith('bridge.ports');
    throw siteError(
      site,
      part.key,
      twice
        ? `${part.name} is named twice (first: ${site.place(first.key)}); expected each port once`
        : `${part.name} is ${first.what} already (${site.place(first.key)}) and cannot be ${part.what}`,
      loop ? 'the tunnel would carry its own packets: name the device towards the hosts' : undefined,
    );
  }
}

function refuseLength(site: Site): void {
  const outer = outerLength(site);
  if (outer <= IPV4_LENGTH_MAX) return;
  throw siteError(
    site,
    'mtu',
    `${site.mtu} is not accepted: the packet around it would have ${outer} bytes, and IPv4 knows no more than ` +
      `${IPV4_LENGTH_MAX} (RFC 791 §3.1)`,
    `at most ${longestMtu(site)}; hosts on Ethernet use 1500 or 9000`,
  );
}

/** Padding makes the overhead a step function of the length: look, rather than subtract. */
function longestMtu(site: Site): number {
  let mtu = IPV4_LENGTH_MAX;
  while (outerLength({ ...site, mtu }) > IPV4_LENGTH_MAX) mtu -= 1;
  return mtu;
}

/** Bytes of the outer IPv4 packet around a host's packet of full size. */
function outerLength(site: Site): number {
  const frame = site.mtu + bytesOf(typeOf(site).layers());
  return frame + bytesOf(carrierOf(site).layers(frame));
}

function refuseTunnelFlags(site: Site): void {
  const { pmtudisc = false, match } = gretapOf(site) ?? {};
  if (match !== 'esp') return;
  if (site.carrier.type !== 'esp') {
    const reason = `there is no ESP to match with carrier ${site.carrier.type}`;
    throw siteError(site, 'tunnel.match', reason, 'match: gre, or carrier: esp');
  }
  if (pmtudisc && site.carrier.mode === 'tunnel') {
    throw siteError(
      site,
      'tunnel.match',
      'in tunnel mode xfrm refuses a GRE packet with DF that does not fit before there is an ESP packet to match',
      'match: gre, or mode: transport, or pmtudisc: false',
    );
  }
}

function refuseEngine(site: Site): void {
  const { engines } = typeOf(site);
  if (site.engine !== 'auto' && !engines.includes(site.engine)) {
    throw siteError(
      site,
      'engine',
      site.tunnel.type === 'l2tp'
        ? `${site.engine} is not accepted: a tunnel of type l2tp takes full-size frames by itself; expected auto or none`
        : `${site.engine} is not accepted: it does not work with a tunnel of type ${site.tunnel.type}; expected ${oneOf(['auto', ...engines])}`,
      'leave engine out',
    );
  }
  if (site.engine === 'tunnel-flag' && gretapOf(site)?.pmtudisc === true) {
    throw siteError(
      site,
      'tunnel.pmtudisc',
      `the kernel refuses ignore-df, which engine tunnel-flag (${site.place('engine')}) sets, together with pmtudisc (EINVAL)`,
      'pmtudisc: false, or engine: nfqueue',
    );
  }
  if (site.hook !== 'auto' && !hasQueue(site)) {
    throw siteError(
      site,
      'hook',
      `${site.hook} brings frames to a queue, and engine ${site.engine} (${site.place('engine')}) has none`,
      'leave hook out, or engine: nfqueue',
    );
  }
}

/** Whether a queue may come of it. */
function hasQueue({ engine, queueGiven, tunnel }: Site): boolean {
  if (tunnel.type === 'l2tp') return false;
  return engine === 'auto' || engine === 'nfqueue' || (engine === 'bpf' && queueGiven === true);
}

function refuseFanout(site: Site): void {
  const { fanout, queues, engine } = site;
  if (fanout === 'hash') return;
  if (!hasQueue(site)) {
    throw siteError(
      site,
      'fanout',
      `${fanout} spreads frames over queues, and engine ${engine} (${site.place('engine')}) has none`,
      'leave fanout out, or engine: nfqueue',
    );
  }
  if (queues.first < queues.last) return;
  throw siteError(
    site,
    'fanout',
    `${fanout} spreads frames over several queues, and there is only queue ${queues.first}`,
    'queue: FIRST:LAST, or leave fanout out',
  );
}
