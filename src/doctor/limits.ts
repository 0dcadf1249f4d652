/** What the host has room for: incomplete datagrams, connections, the receive buffer of a queue, GSO packets. */
import { type Finding, checkOf } from './finding.js';
import { setGsoSize, setParameter } from './fix.js';
import { type Machine, known, sysctlNumber } from './machine.js';

/** Bytes that the first half of a datagram of 1538 takes while it waits: measured on 6.18, veth, MTU 1500. */
const HALF_DATAGRAM = 2504;
/** Bytes that `clear-df run` asks for by default. */
const RECEIVE_BUFFER = 67_108_864;
const NEARLY_FULL = 0.9;
/** Reassemblies that fail, as a share of all, above which something is wrong, and how many make a share at all. */
const FAILING = 0.01;
const ENOUGH_FAILS = 10;
const GSO_MAX = 65_536;

export function examineLimits(machine: Machine): Finding[] {
  return [
    reassemblyRoom(machine),
    reassemblyFails(machine),
    ...maxDistance(machine),
    connections(machine),
    receiveBuffer(machine),
    ...superPackets(machine),
  ];
}

/** One half of each datagram waits for the other; what was lost waits for all of ipfrag_time. */
function reassemblyRoom(machine: Machine): Finding {
  const check = checkOf('limits', 'ipfrag');
  const what = 'memory for incomplete datagrams';
  const limit = sysctlNumber(machine, 'net/ipv4/ipfrag_high_thresh');
  const seconds = sysctlNumber(machine, 'net/ipv4/ipfrag_time');
  if (limit === undefined || seconds === undefined) return check.unknown(what, 'ipfrag_high_thresh cannot be read');
  const halves = Math.floor(limit / HALF_DATAGRAM);
  const rate = Math.floor(halves / Math.max(seconds, 1));
  const room =
    `ipfrag_high_thresh ${limit} bytes hold ${halves} halves of ${HALF_DATAGRAM} bytes; ` +
    `each lost half stays ipfrag_time ${seconds} s: room for ${rate} losses a second`;
  if ('unknown' in machine.fragmentMemory) return check.unknown(what, `${room}; ${machine.fragmentMemory.unknown}`);
  const used = machine.fragmentMemory.known;
  const evidence = `${room}; ${used} bytes in use`;
  if (used < limit * NEARLY_FULL) return check.ok(what, evidence);
  return check.wrong(what, evidence, { fix: setParameter(machine, 'net/ipv4/ipfrag_high_thresh', limit * 4) });
}

function reassemblyFails({ counters }: Machine): Finding {
  const check = checkOf('limits', 'reassembly');
  const what = 'reassembly';
  if ('unknown' in counters) return check.unread(what, counters);
  const fails = counters.known.get('IpReasmFails');
  const oks = counters.known.get('IpReasmOKs');
  if (fails === undefined || oks === undefined) return check.unknown(what, '/proc/net/snmp has no such counter');
  const timeouts = counters.known.get('IpReasmTimeout') ?? 0;
  const evidence = `ReasmFails ${fails}, ${timeouts} of them for missing fragments (ReasmTimeout), ReasmOKs ${oks}`;
  if (fails < ENOUGH_FAILS || fails < (fails + oks) * FAILING) return check.ok(what, evidence);
  const hint =
    timeouts * 2 > fails
      ? 'fragments are lost in transit: look for drops between the ends'
      : 'identifications repeat, or memory is short: see identification at the sender and ipfrag_high_thresh here';
  return check.wrong(what, evidence, { hint });
}

/** A queue over several cores may put fragments of one sender out of order. */
function maxDistance(machine: Machine): Finding[] {
  const check = checkOf('limits', 'ipfrag-max-dist');
  const distance = sysctlNumber(machine, 'net/ipv4/ipfrag_max_dist');
  const what = 'ipfrag_max_dist';
  if (distance === undefined) return [check.unknown(what, 'it cannot be read')];
  if (distance === 0) return [check.ok(what, '0: no limit on how far fragments of one sender get out of order')];
  const evidence = `${distance}: a datagram is dropped if more than ${distance} other fragments arrive from the same sender before it completes`;
  if (distance >= 64) return [check.ok(what, evidence)];
  return [
    check.wrong(what, `${evidence}; the kernel's own value is 64`, {
      fix: setParameter(machine, 'net/ipv4/ipfrag_max_dist', 64),
    }),
  ];
}

function connections(machine: Machine): Finding {
  const check = checkOf('limits', 'conntrack-room');
  const what = 'connection tracking';
  const count = sysctlNumber(machine, 'net/netfilter/nf_conntrack_count');
  const max = sysctlNumber(machine, 'net/netfilter/nf_conntrack_max');
  if (count === undefined || max === undefined) return check.ok(what, 'not in this kernel, or not loaded');
  const evidence = `${count} of at most ${max} connections`;
  if (count < max * NEARLY_FULL) return check.ok(what, evidence);
  const fix = setParameter(machine, 'net/netfilter/nf_conntrack_max', max * 2);
  return check.wrong(what, `${evidence}: packets of new ones are dropped when it is full`, { fix });
}

/** SO_RCVBUFFORCE goes beyond rmem_max, with CAP_NET_ADMIN in the first user namespace only. */
function receiveBuffer(machine: Machine): Finding {
  const check = checkOf('limits', 'rmem-max');
  const what = 'receive buffer of a queue';
  const limit = sysctlNumber(machine, 'net/core/rmem_max');
  if (machine.initialUsers === 'yes') {
    return check.ok(what, 'clear-df, with CAP_NET_ADMIN, goes beyond net.core.rmem_max (SO_RCVBUFFORCE)');
  }
  if (limit === undefined) return check.unknown(what, 'net.core.rmem_max cannot be read here');
  const evidence = `net.core.rmem_max is ${limit} bytes, clear-df asks for ${RECEIVE_BUFFER}`;
  if (limit >= RECEIVE_BUFFER) return check.ok(what, evidence);
  const mend = {
    fix: setParameter(machine, 'net/core/rmem_max', RECEIVE_BUFFER),
    hint: 'on the host, not in the container',
  };
  if (machine.initialUsers === 'unknown')
    return check.unknown(what, `${evidence}; whether it may go beyond is not known`, mend);
  return check.wrong(what, `${evidence} and may not go beyond in this user namespace: bursts overflow it sooner`, mend);
}

/** BIG TCP: a GSO packet longer than an IPv4 length field. */
function superPackets({ devices }: Machine): Finding[] {
  const check = checkOf('limits', 'gso');
  const ports = (known(devices) ?? []).filter(({ master }) => master !== undefined);
  const big = ports.filter(({ gsoIpv4MaxSize }) => (gsoIpv4MaxSize ?? 0) > GSO_MAX);
  if (ports.length === 0) return [];
  if (ports.every(({ gsoIpv4MaxSize }) => gsoIpv4MaxSize === undefined)) {
    return [check.unknown('GSO packets', 'this iproute2 does not print gso_ipv4_max_size')];
  }
  if (big.length === 0) return [check.ok('GSO packets', `no bridge port has gso_ipv4_max_size above ${GSO_MAX}`)];
  return big.map((port) => {
    const evidence = `gso_ipv4_max_size ${port.gsoIpv4MaxSize}: such packets do not fit into a queue`;
    return check.wrong(`GSO packets on ${port.name}`, evidence, { fix: setGsoSize(port, GSO_MAX) });
  });
}
