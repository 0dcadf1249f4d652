/**
 * Where the fast path stands, and what a run does where it cannot.
 *
 *   host eth0 ───── p1 br0 p2 ───── eth0 peer
 *   10.9.0.1        router          10.9.0.2
 *              program at egress of p2
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Capture } from '../helpers/capture.js';
import { clearDf, commandOf, startClearDf } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const BRIDGED = ['--install-rules', '--hook', 'bridge', '--out-dev', 'p2', '--backend', 'iptables-nft'];
const CAPS = '+net_admin,+net_raw,+dac_override';

let lab: Lab;
let host: Namespace;
let router: Namespace;
let peer: Namespace;

beforeEach(async () => {
  lab = await Lab.create();
  const bridge = {
    // Snooping reports a group of its own by IGMP, with DF, which would be counted.
    ip: [
      'link add br0 type bridge mcast_snooping 0',
      'link set p1 master br0',
      'link set p2 master br0',
      'link set br0 up',
    ],
  };
  ({ host, router, peer } = await lab.build({ host: {}, router: bridge, peer: {} }, [
    [
      { at: 'host', dev: 'eth0', address: '10.9.0.1/24' },
      { at: 'router', dev: 'p1' },
    ],
    [
      { at: 'router', dev: 'p2' },
      { at: 'peer', dev: 'eth0', address: '10.9.0.2/24' },
    ],
  ]));
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

/** Arguments of setpriv(1): root with these rights and no others. */
const withOnly = (caps: string): string[] => ['setpriv', `--inh-caps=-all,${caps}`, `--bounding-set=-all,${caps}`];

describe('at the bridge port that packets leave by', () => {
  it('DF is clear behind it, and the queue is left TCP with identification 0 alone', async () => {
    const daemon = await startClearDf(router, '0', [...BRIDGED, '--fast-path', 'require']);
    const rules = (await router.exec('iptables-nft-save')).split('\n').filter((line) => line.includes('NFQUEUE'));
    expect(rules).toHaveLength(1);
    expect(rules[0]).toContain(
      '-p tcp -m physdev --physdev-out p2 --physdev-is-bridged -m u32 --u32 "0x4&0xffff4000=0x4000"',
    );
    const capture = await Capture.start(peer, 'eth0', ['icmp and src 10.9.0.1']);
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    const packets = await capture.stop(3);
    expect(packets.every(({ dontFragment, headerChecksumGood }) => !dontFragment && headerChecksumGood)).toBe(true);
    expect(new Set(packets.map(({ identification }) => identification)).size).toBe(3);
    const { fastPath, totals } = await daemon.settledStats();
    expect(fastPath).toMatchObject([{ device: 'p2', direction: 'egress', counters: { cleared: 3 } }]);
    expect(totals.packets).toBe(0);
  });

  it('the queue does it all while the program cannot be put back', async () => {
    const daemon = await startClearDf(router, '0', [...BRIDGED, '--fast-path', 'auto']);
    await router.exec('tc', ['qdisc', 'del', 'dev', 'p2', 'clsact']);
    await router.exec('tc', ['qdisc', 'add', 'dev', 'p2', 'ingress']);
    daemon.running.kill('SIGHUP');
    await daemon.running.says(/the fast path is not in place, the queue does it all/);
    await until('all rules are there', async () =>
      (await router.exec('iptables-nft-save')).includes('0x4&0x4000=0x4000'),
    );
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    expect((await daemon.settledStats()).totals.cleared).toBe(3);
    await router.exec('tc', ['qdisc', 'del', 'dev', 'p2', 'ingress']);
    daemon.running.kill('SIGHUP');
    await until('few rules are there', async () => (await router.exec('iptables-nft-save')).includes('0xffff4000'));
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    expect((await daemon.settledStats()).totals.cleared).toBe(3);
  });

  it('for rules of one’s own --fast-path-dev names it', async () => {
    const daemon = await startClearDf(router, '3', ['--fast-path-dev', 'p2']);
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    expect((await daemon.stats()).fastPath).toMatchObject([{ device: 'p2', counters: { cleared: 3 } }]);
    expect(await router.exec('tc', ['filter', 'show', 'dev', 'p2', 'egress'])).toContain('clear-df:queue-3');
    expect((await daemon.stop()).exitCode).toBe(0);
    expect(await router.exec('tc', ['qdisc', 'show', 'dev', 'p2'])).not.toContain('clsact');
  });
});

describe('where the fast path cannot be', () => {
  /** Starts one with auto, and sees that the queue does the work; and one with require, and sees that it does not start. */
  async function expectQueueInstead(words: RegExp, code: number, around: string[] = [], rule = BRIDGED): Promise<void> {
    const [node, main] = commandOf(router);
    const command = (mode: string) => [...around, node, main, 'run', '--queue', '0', ...rule, '--fast-path', mode];
    const [first = '', ...rest] = command('auto');
    const running = router.spawn(first, rest);
    await running.says(/clear-df is running/);
    expect(running.stderr).toMatch(words);
    expect(running.stderr).not.toContain('fast path attached');
    if (rule === BRIDGED) {
      expect((await ping(host, '10.9.0.2')).received).toBe(3);
      expect((await clearDf(router, ['stats'])).stdout).toMatch(/DF cleared +3 /);
    }
    expect((await running.stop()).exitCode).toBe(0);
    const [required = '', ...args] = command('require');
    const { exitCode, stderr } = await router.try(required, args);
    expect(stderr).toMatch(words);
    expect(exitCode, stderr).toBe(code);
  }

  it('without the rights', async () => {
    await expectQueueInstead(/CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.*\(EPERM\)/, 3, withOnly(CAPS));
  });

  it("with another program's filter at its place, which stays", async () => {
    await router.exec('tc', ['qdisc', 'add', 'dev', 'p2', 'clsact']);
    const place = ['dev', 'p2', 'egress', 'pref', '52720', 'protocol', 'all'];
    await router.exec('tc', ['filter', 'add', ...place, 'u32', 'match', 'u32', '0', '0', 'classid', '1:1']);
    const before = await router.exec('tc', ['filter', 'show', 'dev', 'p2', 'egress']);
    await expectQueueInstead(/p2 egress: another program's filter has preference 52720.*\(EEXIST\)/, 5);
    expect(await router.exec('tc', ['filter', 'show', 'dev', 'p2', 'egress'])).toBe(before);
  });

  it("with another program's ingress qdisc where clsact would be", async () => {
    await router.exec('tc', ['qdisc', 'add', 'dev', 'p2', 'ingress']);
    await expectQueueInstead(/another program's ingress qdisc is where clsact has to be \(EADDRINUSE\)/, 5);
    expect(await router.exec('tc', ['qdisc', 'show', 'dev', 'p2'])).toContain('ingress');
  });

  it('at a hook that is the queue’s alone', async () => {
    const rule = ['--install-rules', '--proto', 'gre', '--backend', 'iptables-nft'];
    await expectQueueInstead(/outer headers that this host makes are the queue's \(--hook output\)/, 2, [], rule);
  });

  it.each([
    [
      ['--install-rules', '--fast-path-dev', 'p2'],
      /--fast-path-dev: 'p2' is not accepted; expected it without --install-rules/,
    ],
    [
      ['--fast-path', 'require'],
      /--fast-path: 'require' is not accepted; expected it together with --install-rules or/,
    ],
    [['--fast-path', 'off', '--fast-path-dev', 'p2'], /expected it together with --fast-path auto or require/],
    [['--fast-path', 'on'], /--fast-path: 'on' is not accepted; expected auto, off or require/],
  ])('%j is refused', async (args, words) => {
    const { exitCode, stderr } = await clearDf(router, ['run', '--queue', '0', ...args]);
    expect(stderr).toMatch(words);
    expect(exitCode).toBe(2);
  });
});

describe('with CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON', () => {
  it('it is attached; after kill -9 the next one exchanges it and counts anew', async () => {
    const [node, main] = commandOf(router);
    const args = [node, main, 'run', '--queue', '0', ...BRIDGED, '--fast-path', 'require'];
    const [setpriv = '', ...rest] = [...withOnly(`${CAPS},+bpf,+perfmon`), ...args];
    const first = router.spawn(setpriv, rest);
    await first.says(/clear-df is running/);
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    await first.stop('SIGKILL');
    const second = router.spawn(setpriv, rest);
    await second.says(/clear-df is running/);
    expect(second.stderr).toContain('the one that was there is exchanged, and its counters begin anew');
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    expect((await second.stop()).exitCode).toBe(0);
    expect(await router.exec('tc', ['qdisc', 'show', 'dev', 'p2'])).not.toContain('clsact');
  });

  it('and without /sys', async () => {
    const [node, main] = commandOf(router);
    const run = [node, main, 'run', '--queue', '0', '--fast-path-dev', 'p2', '--fast-path', 'require'];
    const running = router.spawn('unshare', ['--mount', 'sh', '-c', 'umount -l /sys && exec "$@"', 'sh', ...run]);
    await running.says(/clear-df is running/);
    expect((await ping(host, '10.9.0.2')).received).toBe(3);
    expect((await clearDf(router, ['stats'])).stdout).toMatch(/egress of p2\n[^]*DF cleared +3\n/);
    expect((await running.stop()).exitCode).toBe(0);
  });
});
