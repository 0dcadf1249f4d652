/** What a run and `rules` do with CAP_NET_ADMIN and no other right; topology: bridged-router.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BRIDGED, BridgedRouter } from './bridged-router.js';
import { clearDf, MAIN } from './clear-df.js';

const ONLY = ['--inh-caps=-all,+net_admin', '--bounding-set=-all,+net_admin'];
/** Arguments of setpriv(1). */
const USERS = {
  nobody: ['--reuid=65534', '--regid=65534', '--clear-groups', '--ambient-caps=-all,+net_admin', ...ONLY],
  root: ONLY,
};
const node = [process.execPath, MAIN];

/** Declares the tests. */
export function withNetAdminOnly(name: keyof typeof USERS): void {
  const user = USERS[name];
  describe(`${name} with CAP_NET_ADMIN and no other right`, () => {
    let on: BridgedRouter;

    beforeEach(async () => {
      on = await BridgedRouter.create();
    });

    afterEach(async () => {
      await on[Symbol.asyncDispose]();
    });

    // With a table of its own the legacy variant cannot be read without a raw socket.
    beforeEach(() => on.router.exec('iptables-legacy', ['-t', 'mangle', '-L']));

    it('a run starts, ends and starts again, and leaves nothing', async () => {
      for (let round = 0; round < 2; round += 1) {
        const running = on.router.spawn('setpriv', [...user, ...node, '--queue', '0', ...BRIDGED]);
        await running.says(/clear-df is running/);
        expect(running.stderr).toContain('rules of iptables-legacy are not known');
        expect(await on.own()).toHaveLength(1);
        expect(await on.callIptables()).toBe('1');
        expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
        expect(await on.own()).toEqual([]);
        expect(await on.callIptables()).toBe('0');
      }
    });

    it('a backend that could not be read again is refused, and what it takes is named', async () => {
      const args = ['--queue', '0', ...BRIDGED, '--backend', 'iptables-legacy'];
      const { exitCode, stderr } = await on.router.try('setpriv', [...user, ...node, ...args]);
      expect(exitCode, stderr).toBe(3);
      expect(stderr).toMatch(/CAP_NET_RAW and CAP_DAC_OVERRIDE/);
      expect(stderr).not.toContain('queue 0 bound');
      expect(await on.callIptables()).toBe('0');
    });

    it('the rules that can be read are shown, and that others are not known', async () => {
      await clearDf(on.router, ['rules', 'install', '--queue', '0', '--backend', 'iptables-nft']);
      const { exitCode, stdout, stderr } = await on.router.try('setpriv', [...user, ...node, 'rules', 'show']);
      expect(exitCode, stderr).toBe(1);
      expect(stdout).toContain('clear-df:default');
      expect(stderr).toContain('rules of iptables-legacy are not known');
    });
  });
}
