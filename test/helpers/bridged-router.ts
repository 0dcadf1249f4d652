/**
 * A router that bridges, for what only looks at rules, sysctls and words: no packets flow.
 *
 *   host eth0 ───── p1 br0 router: clear-df, whose rules queue what is bridged towards p1
 */
import { Lab, type Namespace } from './netns.js';

/** What `clear-df run` is told there. */
export const BRIDGED = ['--install-rules', '--hook', 'bridge', '--out-dev', 'p1', '--metrics', 'off'];

export class BridgedRouter {
  private constructor(
    readonly lab: Lab,
    readonly router: Namespace,
  ) {}

  static async create(): Promise<BridgedRouter> {
    const lab = await Lab.create();
    const bridge = {
      sysctl: { 'net.bridge.bridge-nf-call-iptables': 0 },
      ip: ['link add br0 type bridge', 'link set p1 master br0'],
    };
    const { router } = await lab.build({ router: bridge, host: {} }, [
      [
        { at: 'router', dev: 'p1' },
        { at: 'host', dev: 'eth0' },
      ],
    ]);
    return new BridgedRouter(lab, router);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }

  /** Whether bridged frames pass iptables: the sysctl's value. */
  async callIptables(): Promise<string> {
    return this.router.read('/proc/sys/net/bridge/bridge-nf-call-iptables');
  }

  /** The run's own rules, as lines of iptables-nft-save. */
  async own(): Promise<string[]> {
    const text = await this.router.exec('iptables-nft-save');
    return text.split('\n').filter((line) => line.includes('clear-df:default'));
  }
}
