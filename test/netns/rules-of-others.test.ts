/**
 * What clear-df's rules do to those of others, and those of others to it.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server       the router forwards
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *
 *   host eth0 ───── p1 br0 p2 ───── eth0 peer                          the router bridges
 */
import { describe, expect, it } from 'vitest';
import { clearDf, startClearDf } from '../helpers/clear-df.js';
import { ruleCounter } from '../helpers/kernel.js';
import { variants } from '../helpers/more.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { CLIENT, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';

const FORWARDED = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1'];

describe('a rule that another program appends behind those of a run', () => {
  it.each(variants('iptables-nft', 'iptables-legacy'))('in %s meets packets that were queued, too', async (backend) => {
    const COUNT = 4;
    const { lab, client, router } = await routed();
    await using _ = lab;
    const daemon = await startClearDf(router, '0', [...FORWARDED, '--backend', backend]);
    const rule = (chain: string, ...words: string[]): Promise<string> =>
      router.exec(backend, ['-t', 'mangle', '-A', chain, '-s', CLIENT, ...words]);
    await rule('PREROUTING', '-j', 'MARK', '--set-mark', '7');
    const comment = (text: string): string[] => ['-m', 'comment', '--comment', text, '-j', 'ACCEPT'];
    await rule('POSTROUTING', '-m', 'mark', '--mark', '7', ...comment('marked'));
    await rule('POSTROUTING', '-m', 'mark', '!', '--mark', '7', ...comment('unmarked'));
    await daemon.running.says(/rules of default are last again in iptables/);
    // Small ones are never queued, full-size ones always.
    for (const size of [56, 1472]) expect((await ping(client, SERVER, { size, count: COUNT })).received).toBe(COUNT);
    expect((await daemon.settledStats()).totals.cleared).toBe(COUNT);
    const counted = async (text: string): Promise<number> => (await ruleCounter(router, text, backend)).packets;
    expect(await counted('marked')).toBe(2 * COUNT);
    expect(await counted('unmarked')).toBe(0);
  });
});

async function bridged(): Promise<{ lab: Lab; router: Namespace; host: Namespace }> {
  const lab = await Lab.create();
  const [host, router, peer] = [
    await lab.namespace('host'),
    await lab.namespace('router'),
    await lab.namespace('peer'),
  ];
  await lab.link({ at: host, dev: 'eth0', address: '10.9.0.1/24' }, { at: router, dev: 'p1' });
  await lab.link({ at: router, dev: 'p2' }, { at: peer, dev: 'eth0', address: '10.9.0.2/24' });
  await router.ip('link', 'add', 'br0', 'type', 'bridge');
  for (const port of ['p1', 'p2']) await router.ip('link', 'set', port, 'master', 'br0');
  await router.ip('link', 'set', 'br0', 'up');
  await router.sysctl({ 'net.bridge.bridge-nf-call-iptables': 0 });
  return { lab, router, host };
}

/** Tables of nft's own that drop what is forwarded; the first has a set that iptables-nft cannot show. */
const DROPPING = {
  ip: `table ip filter {
    set wanted { type ipv4_addr . inet_service; elements = { 198.51.100.2 . 80 } }
    chain FORWARD {
      type filter hook forward priority filter; policy drop;
      ip daddr . tcp dport @wanted counter accept
    }
  }`,
  inet: `table inet filter {
    chain forward {
      type filter hook forward priority 0; policy drop;
      ct state established,related accept
    }
  }`,
};

describe("a forward policy of nft's own that drops what is bridged once it passes iptables", () => {
  it.each(variants<keyof typeof DROPPING>('ip', 'inet'))(
    'in family %s is reported by run, rules install and doctor',
    async (family) => {
      const { lab, router, host } = await bridged();
      await using _ = lab;
      await router.feed(`${DROPPING[family]}\n`, 'nft', ['-f', '-']);
      const pinged = (): Promise<number> => ping(host, '10.9.0.2', { size: 56, patience: 0.5 }).then((p) => p.received);
      expect(await pinged()).toBe(3);
      // Of the first one some versions of iptables-nft show the policy, others nothing.
      const warning =
        /bridged IPv4 passes iptables now, and the FORWARD policy in (iptables-nft|nft ip filter FORWARD|nft inet filter forward) is DROP/;
      const rule = ['--hook', 'bridge', '--out-dev', 'p2', '--backend', 'iptables-nft'];

      const { stderr } = await clearDf(router, ['rules', 'install', '--queue', '0', ...rule]);
      expect(stderr).toMatch(warning);
      expect((await clearDf(router, ['rules', 'remove'])).exitCode).toBe(0);
      expect(await pinged()).toBe(3);

      const daemon = await startClearDf(router, '0', ['--install-rules', ...rule]);
      expect(daemon.running.stderr).toMatch(warning);
      expect(await pinged()).toBe(0);
      const { stdout } = await clearDf(router, ['doctor', '--json']);
      const { findings } = JSON.parse(stdout) as { findings: { check: string; state: string; text?: string }[] };
      const told = findings.filter(({ check, state }) => check === 'forward-policy' && state === 'wrong');
      expect(JSON.stringify(told)).toMatch(
        /br0 and (FORWARD of iptables-nft|.*(ip filter FORWARD|inet filter forward))/,
      );
    },
  );
});

/** Makes a bridge whose name ends in the byte 1, which iproute2 puts into its JSON as it is. */
const STRAY = `
import socket, struct
attr = lambda kind, data: struct.pack('HH', 4 + len(data), kind) + data + b'\\0' * ((4 - len(data) % 4) % 4)
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
netlink.bind((0, 0))
body = struct.pack('BxHiII', 0, 0, 0, 0, 0) + attr(3, b'ifb-pp\\x01\\0') + attr(18, attr(1, b'bridge\\0'))
netlink.send(struct.pack('IHHII', 16 + len(body), 16, 0x605, 1, 0) + body)
print(struct.unpack_from('i', netlink.recv(4096), 16)[0])
`;

it('a device with a control character in its name spoils no listing', async () => {
  const lab = await Lab.create();
  await using _ = lab;
  const [router, host] = [await lab.namespace('router'), await lab.namespace('host')];
  await lab.link({ at: router, dev: 'eth0', address: '10.0.0.1/24' }, { at: host, dev: 'eth0' });
  await lab.link({ at: router, dev: 'eth1', address: '10.0.1.1/24' }, { at: host, dev: 'eth1' });
  expect((await router.exec('/usr/bin/python3', ['-c', STRAY])).trim()).toBe('0');
  const args = ['--queue', '0', '--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1'];
  const { exitCode, stderr } = await clearDf(router, ['rules', 'install', ...args]);
  expect(exitCode, stderr).toBe(0);
  const { stdout } = await clearDf(router, ['doctor', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; state: string }[] };
  // What has nothing to do with it is judged as ever.
  expect(findings.filter(({ state }) => state === 'ok').length).toBeGreaterThan(10);
});
