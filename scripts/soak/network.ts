/**
 * The network of a soak, and its own counters on the router.
 *
 *   client eth0 10.0.0.2/24 ───── p1 br0 p2 ───── eth0 10.0.0.3/24 server
 *          eth1 10.0.2.2/24 ──── lan router wan ── eth1 10.0.1.2/24         wan and eth1: MTU 1400
 *
 * Two runs: the long one takes what is bridged towards p2; one that comes and goes takes what is forwarded and does not
 * fit wan. A table of nft counts the client's packets just before and just behind the hook function that queues them, so
 * that nothing but the queue lies between.
 */
import { Lab, type Namespace } from '../../test/helpers/netns.js';
import { installSink } from '../../test/helpers/traffic.js';

/** The server, through the bridge, and through the small link. */
export const BRIDGED = '10.0.0.3';
export const ROUTED = '10.0.1.2';
const MTU = 1400;
const CALL_IPTABLES = 'net.bridge.bridge-nf-call-iptables';

export interface Network {
  lab: Lab;
  client: Namespace;
  router: Namespace;
  server: Namespace;
}

const NAMES = ['came', 'cameClear', 'withDf', 'withoutDf', 'cameLarge', 'withDfLarge', 'withoutDfLarge'] as const;

/** Packets, GSO packets counted once. */
export type Passed = Record<(typeof NAMES)[number], number>;

const OVER = `ip daddr ${BRIDGED}`;
const THROUGH = `iifname "lan" ip daddr ${ROUTED} ip length > ${MTU}`;
const [SET, CLEAR] = ['ip frag-off & 0x4000 != 0', 'ip frag-off & 0x4000 == 0'];
const TABLE = `table ip soak {
${NAMES.map((name) => `  counter ${name} { }\n`).join('')}
  chain forward_before {
    type filter hook forward priority -151;
    ${OVER} ${SET} counter name came
    ${OVER} ${CLEAR} counter name cameClear
  }
  chain forward_behind {
    type filter hook forward priority -149;
    ${OVER} ${SET} counter name withDf
    ${OVER} ${CLEAR} counter name withoutDf
  }
  chain prerouting_before {
    type filter hook prerouting priority -151;
    ${THROUGH} ${SET} counter name cameLarge
  }
  chain prerouting_behind {
    type filter hook prerouting priority -149;
    ${THROUGH} ${SET} counter name withDfLarge
    ${THROUGH} ${CLEAR} counter name withoutDfLarge
  }
}
`;

export async function soakNetwork(): Promise<Network> {
  const lab = await Lab.create();
  const [client, router, server] = [
    await lab.namespace('client'),
    await lab.namespace('router'),
    await lab.namespace('server'),
  ];
  await lab.link({ at: client, dev: 'eth0', address: '10.0.0.2/24' }, { at: router, dev: 'p1' });
  await lab.link({ at: router, dev: 'p2' }, { at: server, dev: 'eth0', address: `${BRIDGED}/24` });
  await lab.link(
    { at: client, dev: 'eth1', address: '10.0.2.2/24' },
    { at: router, dev: 'lan', address: '10.0.2.1/24' },
  );
  await lab.link(
    { at: router, dev: 'wan', address: '10.0.1.1/24', mtu: MTU },
    { at: server, dev: 'eth1', address: `${ROUTED}/24`, mtu: MTU },
  );
  await router.ip('link', 'add', 'br0', 'type', 'bridge');
  for (const port of ['p1', 'p2']) await router.ip('link', 'set', port, 'master', 'br0');
  await router.ip('link', 'set', 'br0', 'up');
  await router.sysctl({ 'net.ipv4.ip_forward': 1, [CALL_IPTABLES]: 0 });
  await client.ip('route', 'add', '10.0.1.0/24', 'via', '10.0.2.1');
  for (const dev of ['eth0', 'eth1']) await installSink(server, dev);
  await router.feed(TABLE, 'nft', ['-f', '-']);
  return { lab, client, router, server };
}

/** What the runs have left on the router, in words. */
export async function remains(router: Namespace): Promise<string[]> {
  const rules = (await router.exec('nft', ['list', 'ruleset'])).split('\n').filter((line) => line.includes('clear-df'));
  const passing = (await router.exec('sysctl', ['-n', CALL_IPTABLES])).trim();
  return [...rules, ...(passing === '0' ? [] : [`${CALL_IPTABLES} is ${passing}, and was 0`])];
}

export async function passed(router: Namespace): Promise<Passed> {
  const text = await router.exec('nft', ['-j', 'list', 'counters', 'table', 'ip', 'soak']);
  const { nftables } = JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] };
  const found = new Map(nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])));
  return Object.fromEntries(NAMES.map((name) => [name, found.get(name) as number])) as Passed;
}

/** What a firewall's reload does to the rules of others: every table but the soak's own goes. */
export async function flushRules(router: Namespace): Promise<void> {
  const tables = (await router.exec('nft', ['list', 'tables'])).split('\n').filter(Boolean);
  const others = tables.filter((table) => table !== 'table ip soak');
  // Made first: one that has gone meanwhile is no error.
  await router.feed(others.map((table) => `add ${table}\ndelete ${table}\n`).join(''), 'nft', ['-f', '-']);
}
