/**
 * The router that the tests of `clear-df rules` work on.
 *
 *   h (10.1.0.1/24) a0 ---- lan r wan ---- b0 s      r routes 10.1.0.0/24 and 10.2.0.0/24; wan: MTU 1000
 *                               r br0: p1, p2        p1 ---- x0 of h (10.3.0.1), p2 ---- x0 of s (10.3.0.2)
 */
import { execa } from 'execa';
import { rm, stat } from 'node:fs/promises';
import { expect } from 'vitest';
import { MAIN } from './clear-df.js';
import { FOREIGN_RULES } from './foreign-rules.js';
import { type Done, Lab, type Namespace } from './netns.js';
import { shown } from './shown.js';

/** Arguments of node. */
export const RULES = [MAIN, 'rules'];
export const IPTABLES = ['iptables-legacy', 'iptables-nft'] as const;

/** One instance per hook. */
const INSTANCES: Record<string, string[]> = {
  a: ['--hook', 'output', '--queue', '0:3', '--remote', '10.2.0.0/16'],
  b: ['--forwarded', '--queue', '4', '--out-dev', 'wan'],
  'c-1': [
    ...['--hook', 'postrouting', '--queue', '5:6', '--fanout', 'cpu'],
    ...['--proto', 'udp:4500', '--out-dev', 'wan', '--larger-than', '900'],
  ],
  d_2: ['--hook', 'bridge', '--queue', '7', '--out-dev', 'p2', '--in-dev', 'p1', '--no-bypass'],
};
export const NAMES = Object.keys(INSTANCES);
/** How many rules of iptables each is; to leave QUIC out takes three. */
export const LINES: Record<string, number> = { a: 1, b: 3, 'c-1': 1, d_2: 1 };

/** The arguments that install one of {@link NAMES}. */
export function install(name: string, backend: string): string[] {
  return ['install', '--name', name, '--backend', backend, ...INSTANCES[name]!];
}

export class RulesLab {
  private constructor(
    readonly lab: Lab,
    /** The router. */
    readonly r: Namespace,
    /** The host on its left. */
    readonly h: Namespace,
  ) {}

  static async create(): Promise<RulesLab> {
    const lab = await Lab.create();
    const bridge = ['link add br0 type bridge', 'link set p1 master br0', 'link set p2 master br0', 'link set br0 up'];
    const hosts = {
      r: { sysctl: { 'net.ipv4.ip_forward': 1, 'net.bridge.bridge-nf-call-iptables': 0 }, ip: bridge },
      h: { ip: ['route add default via 10.1.0.254'] },
      s: { ip: ['route add default via 10.2.0.254'] },
    };
    const { r, h } = await lab.build(hosts, [
      [
        { at: 'h', dev: 'a0', address: '10.1.0.1/24' },
        { at: 'r', dev: 'lan', address: '10.1.0.254/24' },
      ],
      [
        { at: 'r', dev: 'wan', address: '10.2.0.254/24', mtu: 1000 },
        { at: 's', dev: 'b0', address: '10.2.0.1/24', mtu: 1000 },
      ],
      [
        { at: 'h', dev: 'x0', address: '10.3.0.1/24' },
        { at: 'r', dev: 'p1' },
      ],
      [
        { at: 's', dev: 'x0', address: '10.3.0.2/24' },
        { at: 'r', dev: 'p2' },
      ],
    ]);
    return new RulesLab(lab, r, h);
  }

  /** Ends the namespaces, and what clear-df remembers of the router's. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { ino } = await stat(`/run/netns/${this.r.name}`);
    await this.lab[Symbol.asyncDispose]();
    await rm(`/run/clear-df/rules-${ino}.json`, { force: true });
  }

  /** `clear-df rules` on the router, however it ends. */
  async rules(...args: string[]): Promise<Done> {
    return this.r.try(process.execPath, [...RULES, ...args]);
  }

  /** As {@link rules}, for what must succeed. */
  async done(...args: string[]): Promise<Done> {
    const ended = await this.rules(...args);
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    return ended;
  }

  /** Everything that the firewall tools show, without their own comments and the packet counters. */
  async firewall(): Promise<Record<string, string>> {
    const texts = await shown(this.r, {
      ...Object.fromEntries(IPTABLES.map((backend) => [`${backend}-save`, `${backend}-save || echo failed`])),
      nft: 'nft list ruleset || echo failed',
    });
    const plain = Object.entries(texts).map(([name, text]) => {
      const lines = text
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('#'));
      return [name, lines.join('\n').replace(/\[\d+:\d+\]|packets \d+ bytes \d+/g, '')] as const;
    });
    return Object.fromEntries(plain);
  }

  /** Whether bridged frames pass iptables: the sysctl's value. */
  async callIptables(): Promise<string> {
    return this.r.read('/proc/sys/net/bridge/bridge-nf-call-iptables');
  }

  /** Feeds text to a command; execa takes the last newline off what it hands over, and restore tools want it. */
  async feed(text: string, command: string, ...args: string[]): Promise<Done> {
    const { stdout, stderr, exitCode } = await execa('ip', ['netns', 'exec', this.r.name, command, ...args], {
      input: text.endsWith('\n') ? text : `${text}\n`,
      reject: false,
    });
    return { stdout, stderr, exitCode };
  }

  /** Loads other people's rules. */
  async populate(backend: string): Promise<void> {
    expect(await this.feed(FOREIGN_RULES, `${backend}-restore`)).toMatchObject({ exitCode: 0 });
  }

  /** Packets that each rule of an instance has matched, in order. */
  async matched(backend: string, name: string): Promise<number[]> {
    const save = await this.r.exec(`${backend}-save`, ['-c', '-t', 'mangle']);
    const owned = save.split('\n').filter((line) => line.includes(`--comment "clear-df:${name}"`));
    return owned.map((line) => Number(/^\[(\d+):/.exec(line)?.[1]));
  }
}
