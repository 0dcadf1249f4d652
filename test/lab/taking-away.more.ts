/**
 * Nothing leaves unencrypted, whatever is taken away. `test/helpers/article.ts` draws the network.
 *
 *   hA ── eth0 rA eth1 ──── eth0 w eth1 ──── rB ── hB          on w's eth0: ESP, or UDP (ESP in it, WireGuard), or nothing
 *
 * For every carrier that encrypts: each single thing that `up` has made on rA (the plan's items, by the commands that put
 * them back, or else by their opposite), and each event that takes several at once (a flush, a daemon's start, a device
 * that goes), is taken away; then both hosts ping, and it is made again. Two pings of each host in each gap: what would
 * leave unencrypted is GRE, L2TPv3 or VXLAN with them or their ARP in it, or ICMP that quotes them. A last gap is the control: with both
 * guards gone as well the same pings do leave unencrypted, so that the capture can see what it must not see.
 *
 * Modules are left out: a guest has them once, and the other router's devices would go with them.
 */
import { beforeAll, expect, it } from 'vitest';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Item } from '../../src/tunnel/item.js';
import { article, HOST_A, HOST_B, ROUTER_A } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { routerText } from '../helpers/router-text.js';
import { giveBack, itemsOf, madeOf, readableByGap, taking } from '../helpers/taking-away.js';
import { STORIES, type Story, WAN } from '../helpers/taking-away-stories.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, type TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
/** Unreachable, of a UDP datagram: WireGuard's, at a router whose device is down, and what it quotes is encrypted. */
const QUOTES_UDP = 'icmp[icmptype] == icmp-unreach and icmp[17] == 17';
/** Items that keep frames in. */
const GUARDS = ['xfrm-guard', 'nft-table', 'gre-rule'];
/** Bytes of the first marker's payload. */
const MARKER = 300;

interface Gap {
  what: string;
  take: readonly (readonly string[])[];
  /** Beside everything of the plan. */
  give?: readonly (readonly string[])[];
}

/** Leaves the table, which its name alone would call a guard. */
function flushing(key: string): string[] {
  return ['nft', 'flush', 'table', ...key.split(' ').slice(1)];
}

/** What others take away at once. */
function events(items: readonly Item[], facts: Facts, { device, whenUp = [] }: Story): Gap[] {
  const rules = items
    .filter(({ kind }) => kind === 'policy-rule' || kind === 'gre-rule')
    .flatMap((i) => taking(i, facts));
  const flush = ['nft', 'flush', 'ruleset'];
  const spared = (value: number) => [['sysctl', '-qw', `net.ipv4.conf.eth1.disable_xfrm=${value}`]];
  const down = device === undefined ? [] : [['ip', 'link', 'set', 'dev', device, 'down']];
  const up = device === undefined ? [] : [['ip', 'link', 'set', 'dev', device, 'up'], ...whenUp];
  const gone: Gap[] =
    device === undefined
      ? []
      : [
          { what: `${device} down`, take: down, give: up },
          { what: `${device} down, and nft flush ruleset`, take: [...down, flush], give: up },
        ];
  const flushed = items.flatMap(({ kind, key }) => (kind === 'nft-table' ? [flushing(key)] : []));
  return [
    { what: 'nft flush ruleset', take: [flush] },
    ...flushed.map((command) => ({ what: command.join(' '), take: [command] })),
    { what: 'ip xfrm policy flush', take: [['ip', 'xfrm', 'policy', 'flush']] },
    { what: 'ip xfrm state flush', take: [['ip', 'xfrm', 'state', 'flush']] },
    { what: 'all IPsec off by eth1', take: spared(1), give: spared(0) },
    ...gone,
    ...(rules.length === 0 ? [] : [{ what: 'foreign rules, as systemd-networkd does', take: rules }]),
    ...(rules.length === 0 || device === undefined
      ? []
      : [{ what: `${device} down, and foreign rules`, take: [...down, ...rules], give: up }]),
  ];
}

/** Both guards, and with them what they are there for. */
function controlOf(items: readonly Item[], facts: Facts, { control, device = '' }: Story): Gap {
  const guards = items.filter(({ kind }) => GUARDS.includes(kind));
  const sealing = items.filter(
    ({ kind, key }) =>
      (control === 'policy' && kind === 'xfrm-policy' && key.includes(' out ')) ||
      (control === 'rule' && kind === 'policy-rule'),
  );
  const down = control === 'device' ? [['ip', 'link', 'set', 'dev', device, 'down']] : [];
  return { what: 'control', take: [...[...guards, ...sealing].flatMap((item) => taking(item, facts)), ...down] };
}

describeKernels(['own', 'newest'], 'taking away', (guest) => {
  beforeAll(async () => {
    await guest().modprobe('ip_gre', 'ip_vti', 'xfrm_interface', 'esp4', 'wireguard', 'l2tp_eth', 'l2tp_ip', 'vxlan');
  });

  // Pings to the WAN's own address tell one gap from the next.
  it.each(STORIES)(
    'one thing after the other leaves nothing readable on the WAN: $name',
    async (story) => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const [a, b] = await story.options(net);
        const ends = await tunnelEnds(net, a, b);
        const before = [await routerText(rA), await routerText(rB)];
        // Everything else that could be sent here is sealed, or comes from the WAN itself.
        const { readable: own = 'ip proto 0' } = story;
        const others = `not ip proto 50 and (not ip proto 17 or ${own}) and not src host ${WAN} and not (${QUOTES_UDP})`;
        const wan = await Capture.start(w, 'eth0', [`ip and ${others}`]);
        let markers = 0;
        const mark = async () => {
          const size = MARKER + ++markers;
          expect(await ping(rA, WAN, { size, count: 1 })).toMatchObject({ received: 1 });
        };

        // While it comes up.
        const restless = hA.spawn('ping', ['-n', '-i', '0.2', HOST_B]);
        await upBoth(ends);
        await restless.stop('SIGINT');
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
        await mark();

        const { items: planned, facts } = await itemsOf(ends[0], story.facts);
        const items = await madeOf(ends[0], planned);
        const gaps: Gap[] = [
          ...items.map((item) => ({ what: item.key, take: taking(item, facts) })),
          ...events(items, facts, story),
          controlOf(items, facts, story),
        ];
        for (const { take, give = [], what } of gaps) {
          for (const [command = '', ...args] of take) await rA.try(command, args);
          await Promise.all([
            ping(hA, HOST_B, { size: 1000, count: 2, patience: 1 }),
            ping(hB, HOST_A, { size: 56, count: 2, patience: 1 }),
          ]);
          await mark();
          for (const [command = '', ...args] of give) await rA.try(command, args);
          if (what === 'control' && story.control === 'device') {
            const up = ['ip', 'link', 'set', story.device ?? '', 'up'];
            for (const [command = '', ...args] of [up, ...(story.whenUp ?? [])]) await rA.exec(command, args);
          }
          await giveBack(rA, items, facts);
          await until(`it works again after ${what}`, async () => {
            return (await ping(hA, HOST_B, { count: 1, patience: 1 })).received === 1;
          });
        }
        // Until the guards were back from the control, more may have left.
        await mark();
        if (story.name === 'xfrm-interface own' || story.name === 'tun') await named(ends[0], items, facts);

        // While it goes down.
        await mark();
        const last = hA.spawn('ping', ['-n', '-i', '0.2', HOST_B]);
        await downBoth(ends);
        await last.stop('SIGINT');
        await mark();
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);

        await wan.finish(markers);
        const readable = readableByGap(await wan.lines(), `${ROUTER_A} > ${WAN}: ICMP echo request`);
        // Up; each gap, the control last; until it was mended; what came between; down; nothing behind the last marker.
        const names = ['up', ...gaps.map(({ what }) => what), 'mended', 'between', 'down', 'after'];
        expect(readable).toHaveLength(names.length);
        const leaks = names.flatMap((name, i) =>
          name === 'control' || name === 'mended' ? [] : (readable[i] ?? []).map((line) => `${name}: ${line}`),
        );
        console.log(
          `${story.name}: ${gaps.length - 1} gaps, ${leaks.length} readable; control ${readable[gaps.length]?.length}`,
        );
        expect(leaks).toEqual([]);
        expect(readable[gaps.length]?.length).toBeGreaterThan(0);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    1800 * SECOND,
  );
});

interface Listing {
  items?: { key: string; state: string }[];
  findings?: { check: string; state: string; what: string }[];
}

/** `status` and `doctor` name a guard that is missing; `up` puts it back. */
async function named({ at, file }: TunnelEnd, items: readonly Item[], facts: Facts): Promise<void> {
  const guards = items.filter(({ kind }) => GUARDS.includes(kind));
  const keys = guards.map(({ key }) => key).sort();
  const take = (guard: Item) => (guard.kind === 'nft-table' ? [flushing(guard.key)] : taking(guard, facts));
  for (const [command = '', ...args] of guards.flatMap(take)) await at.try(command, args);
  const read = async (words: string[]) =>
    JSON.parse((await clearDf(at, [...words, file, '--json'], 300 * SECOND)).stdout) as Listing;
  const [status, doctor] = await Promise.all([read(['tunnel', 'status']), read(['doctor'])]);
  expect(
    status.items
      ?.filter(({ state }) => state !== 'in-sync')
      .map(({ key }) => key)
      .sort(),
  ).toEqual(keys);
  const wrong = doctor.findings?.filter(({ check, state }) => check === 'guards' && state === 'wrong');
  expect(wrong?.map(({ what }) => what).sort()).toEqual(keys);
  expect(await clearDf(at, ['tunnel', 'up', file], 300 * SECOND)).toMatchObject({ exitCode: 0 });
  expect((await read(['tunnel', 'status'])).items?.filter(({ state }) => state !== 'in-sync')).toEqual([]);
}
