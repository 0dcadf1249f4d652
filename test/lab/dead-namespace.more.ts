/**
 * A tunnel's network namespace goes, as a container's does, and a new one gets its inode: what the journal of the dead one
 * tells is true of nothing here. Both have the same devices, and the new one a bridge of its own:
 *
 *   [ eth0 (10.32.0.1/24)   eth1 (192.168.200.1/24, default via 192.168.200.2)   br0: eth0 ]
 */
import { expect, it } from 'vitest';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { Lab, Namespace } from '../helpers/netns.js';
import { TunnelEnd } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const NAME = 'cdf-reborn';

/**
 * Makes the namespace anew until it has the inode that one before it had; of the first one, any will do. By bash: in a
 * guest `sh` is busybox's, which takes its own `ip`.
 */
const MAKE = `
for try in $(seq 1 500); do
  ip netns add ${NAME}
  inode=$(stat -L -c %i /run/netns/${NAME})
  if [ -z "$1" ] || [ "$1" = "$inode" ]; then echo "$inode"; exit 0; fi
  ip netns delete ${NAME}
done
exit 1`;

async function namespace(at: Namespace, inode = ''): Promise<string> {
  const { machine } = at;
  const made = await machine.run(['bash', '-c', MAKE, 'bash', inode], { timeout: 120 * SECOND });
  expect(made.exitCode, made.stderr).toBe(0);
  for (const [dev, address] of [
    ['eth0', '10.32.0.1/24'],
    ['eth1', '192.168.200.1/24'],
  ] as const) {
    await at.ip('link', 'add', 'name', dev, 'type', 'veth', 'peer', 'name', `${dev}p`);
    await at.ip('address', 'add', address, 'dev', dev);
    await at.ip('link', 'set', 'dev', dev, 'up');
    await at.ip('link', 'set', 'dev', `${dev}p`, 'up');
  }
  await at.ip('route', 'add', 'default', 'via', '192.168.200.2');
  return made.stdout;
}

/** Not `ip -d link`: that shows the bridge's timers. */
async function ownBridge(at: Namespace): Promise<string[]> {
  return [await at.ip('-o', 'link', 'show', 'master', 'br0'), await at.ip('-o', '-4', 'address', 'show')];
}

describeKernels(['oldest', 'own'], 'a network namespace with the inode of a dead one', (guest) => {
  it(
    'has no tunnel: the journal of the dead one is not its own',
    async () => {
      await guest().modprobe('ip_gre');
      const lab = await Lab.create(guest());
      const at = new Namespace(lab, NAME);
      try {
        const inode = await namespace(at);
        const bridge = '{ name: br0, ports: [eth0], move-addresses: true }';
        const end = await TunnelEnd.write(at, 'reborn', '192.168.200.1', '172.16.0.1', {
          engine: 'tunnel-flag',
          bridge,
        });
        // By `env`: what the guest keeps running for clear-df's commands would keep the namespace, and its inode.
        const up = await at.try('env', [...commandOf(at), 'tunnel', 'up', end.file], 300 * SECOND);
        expect(up.exitCode, up.stderr).toBe(0);
        const done = await guest().run(['ip', 'netns', 'delete', NAME]);
        expect(done.exitCode, done.stderr).toBe(0);

        expect(await namespace(at, inode)).toBe(inode);
        // Its own bridge, which looks like the one that the journal tells of.
        await at.ip('link', 'add', 'name', 'br0', 'type', 'bridge');
        await at.ip('link', 'set', 'dev', 'eth0', 'master', 'br0');
        await at.ip('link', 'set', 'dev', 'br0', 'up');
        const before = await ownBridge(at);
        expect(before[0]).toContain('eth0');
        const status = await clearDf(at, ['tunnel', 'status', end.file], 120 * SECOND);
        expect(status.stdout).toMatch(/^tunnel reborn, engine tunnel-flag: not up/);
        const down = await clearDf(at, ['tunnel', 'down', end.file], 120 * SECOND);
        expect(down.stderr).toContain('tunnel reborn is not up: nothing to do');
        expect(await ownBridge(at)).toEqual(before);
      } finally {
        await guest().run(['ip', 'netns', 'delete', NAME]);
        await lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});
