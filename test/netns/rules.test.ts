/**
 * `clear-df rules` on this kernel's iptables, legacy and nft variant; topology: helpers/rules-lab.ts.
 * Counters of the rules tell what matched: nothing listens on the queues, so packets go on by bypass.
 */
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { variants } from '../helpers/more.js';
import { install, type IPTABLES, RulesLab } from '../helpers/rules-lab.js';
import { besideOthers } from '../helpers/rules-suite.js';

// rules.more.ts has the legacy variant.
besideOthers('iptables-nft');

describe.each(variants<(typeof IPTABLES)[number]>('iptables-nft', 'iptables-legacy'))('%s', (backend) => {
  let on: RulesLab;

  beforeEach(async () => {
    on = await RulesLab.create();
  });

  afterEach(async () => {
    await on[Symbol.asyncDispose]();
  });

  it('matches DF-set packets that this host sends, and no others', async () => {
    await on.done('install', '--queue', '0', '--proto', 'all', '--larger-than', '500', '--backend', backend);
    const ping = (...args: string[]): Promise<string> => on.r.exec('ping', ['-i', '0.01', '-W', '5', ...args]);
    await ping('-c', '3', '-M', 'do', '-s', '600', '10.2.0.1');
    await ping('-c', '4', '-M', 'dont', '-s', '600', '10.2.0.1');
    await ping('-c', '5', '-M', 'do', '-s', '472', '10.2.0.1'); // 500 bytes with both headers: not longer
    await ping('-c', '6', '-M', 'do', '-s', '600', '10.2.0.254'); // this host itself
    expect(await on.matched(backend, 'default')).toEqual([3]);
  });

  it('matches forwarded packets that do not fit, but not QUIC and not what is for this host', async () => {
    await on.done(...install('b', backend));
    const send = (port: number, count: number): Promise<unknown> =>
      execa('ip', [
        'netns',
        'exec',
        on.h.name,
        '/usr/bin/python3',
        '-c',
        SENDER,
        '10.2.0.1',
        String(port),
        String(count),
      ]);
    await execa('ip', ['netns', 'exec', on.h.name, 'ping', '-c', '2', '-M', 'do', '-s', '1100', '10.1.0.254']); // for r
    await execa(
      'ip',
      ['netns', 'exec', on.h.name, 'ping', '-c', '1', '-W', '1', '-M', 'do', '-s', '1100', '10.2.0.1'],
      {
        reject: false, // 1128 bytes do not fit 1000; nothing clears DF here
      },
    );
    await send(443, 4);
    await send(4433, 5);
    // Rules in order: other protocols (1 ping), UDP but QUIC (5), later fragments of UDP (none sent).
    expect(await on.matched(backend, 'b')).toEqual([1, 5, 0]);
  });

  it('matches frames bridged towards the port, and none that go the other way', async () => {
    await on.done('install', '--queue', '6', '--hook', 'bridge', '--out-dev', 'p2', '--backend', backend);
    const ping = (...args: string[]) =>
      execa('ip', ['netns', 'exec', on.h.name, 'ping', '-i', '0.01', ...args, '10.3.0.2']);
    await ping('-c', '3', '-M', 'do'); // echo replies come back with DF clear or set, by p1
    await ping('-c', '4', '-M', 'dont');
    expect(await on.matched(backend, 'default')).toEqual([3]);
  });
});

/** UDP datagrams of 1200 bytes with DF set (IP_MTU_DISCOVER 10 = IP_PMTUDISC_PROBE 3). */
const SENDER = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 3)
for _ in range(int(sys.argv[3])):
    s.sendto(bytes(1200), (sys.argv[1], int(sys.argv[2])))
`;
