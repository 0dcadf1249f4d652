/** The turns of a soak: a load, what is done to the run meanwhile, and which complaints that explains. */
import { deliver } from '../../test/helpers/delivery.js';
import type { Tool } from '../../test/helpers/faulty-tools.js';
import { queue } from '../../test/helpers/kernel.js';
import { scrape } from '../../test/helpers/scrape.js';
import { flooded, startFlood } from '../../test/helpers/traffic.js';
import { until } from '../../test/helpers/until.js';
import { BRIDGED, flushRules, passed } from './network.js';
import { type World, underFlood } from './world.js';

export interface SoakTurn {
  name: string;
  /** Warnings and errors that it explains. */
  expected?: readonly RegExp[];
  /** The rules are away for a while. */
  withoutRules?: boolean;
  /** Links go down. */
  linksDown?: boolean;
  /** Something besides the flood is sent. */
  notOnlyFlood?: boolean;
  /** @returns what the flood over the bridge has sent */
  run: (world: World) => Promise<number>;
}

const FLOODED = 300_000;
const STREAM = 100_000_000;

const flood = (length: number): SoakTurn => ({
  name: `flood of ${length} bytes`,
  run: async ({ net }) => {
    const load = { destination: BRIDGED, length, count: FLOODED };
    return (await flooded(await startFlood(net.client, load))).sent;
  },
});

const tcp: SoakTurn = {
  name: 'TCP, statistics read',
  notOnlyFlood: true,
  run: async ({ net: { client, router, server } }) => {
    await Promise.all([deliver(client, server, BRIDGED, STREAM), scrape(router, 50)]);
    return 0;
  },
};

/** A file that has changed, and one that has not; then all that means nothing. */
const signals: SoakTurn = {
  name: 'signals under a flood',
  run: (world) =>
    underFlood(world, 200, async () => {
      const { daemon, log, configure } = world;
      for (const more of [{ identification: 'sequential' }, {}, {}]) {
        await configure(more);
        const mark = log.mark;
        daemon.running.kill('SIGHUP');
        await log.says(/file read again/, mark);
      }
      for (const signal of ['SIGUSR1', 'SIGALRM'] as const) {
        const mark = log.mark;
        daemon.running.kill(signal);
        await log.says(new RegExp(`${signal} is ignored`), mark);
      }
    }),
};

const stall: SoakTurn = {
  name: 'a stop in a flood',
  run: (world) =>
    underFlood(world, 1400, async () => {
      const { daemon, net } = world;
      daemon.running.kill('SIGSTOP');
      const waiting = async (): Promise<number> => (await queue(net.router, 0))?.waiting ?? 0;
      await until('its buffer is full', async () => {
        const before = await waiting();
        const { came } = await passed(net.router);
        await until('more comes', async () => (await passed(net.router)).came > came + 1000);
        return before > 0 && (await waiting()) === before;
      });
      daemon.running.kill('SIGCONT');
    }),
};

/** What the kernel has discarded out of the queue. */
const REFUSED = /the kernel refused \d+ verdicts?: those packets had left the queue/;

const flaps: SoakTurn = {
  name: 'links down and up in a flood',
  linksDown: true,
  expected: [REFUSED],
  run: (world) =>
    underFlood(world, 200, async () => {
      for (const dev of ['p2', 'p1', 'p2']) {
        await world.net.router.ip('link', 'set', dev, 'down');
        await world.net.router.ip('link', 'set', dev, 'up');
        const { came } = await passed(world.net.router);
        await until('packets come again', async () => (await passed(world.net.router)).came > came + 1000);
      }
    }),
};

const flushes: SoakTurn = {
  name: 'rules flushed in a flood',
  withoutRules: true,
  expected: [REFUSED, /rules of default are no longer in iptables-nft as they were installed/],
  run: (world) =>
    underFlood(world, 64, async () => {
      for (let times = 0; times < 2; times += 1) {
        const mark = world.log.mark;
        await flushRules(world.net.router);
        await world.log.says(/rules of default are installed again/, mark);
      }
    }),
};

const FOREIGN = ['FORWARD', '-m', 'comment', '--comment', 'later', '-p', 'icmp'];

async function foreignRule({ net: { router } }: World, how: '-A' | '-D'): Promise<void> {
  await router.exec('iptables-nft', ['-t', 'mangle', how, ...FOREIGN]);
}

const later: SoakTurn = {
  name: 'a rule appended behind',
  // Between the removal and the new place of the rules, within one transaction, nothing passes by.
  run: (world) =>
    underFlood(world, 1400, async () => {
      const mark = world.log.mark;
      await foreignRule(world, '-A');
      await world.log.says(/are last again/, mark);
      await foreignRule(world, '-D');
    }),
};

/** Each round another one; the kernel refuses a tool while somebody else changes rules, so once is nothing to tell. */
const ONCE: readonly Tool[] = ['iptables-nft-save', 'nft', 'iptables-legacy-save'];

const failsOnce: SoakTurn = {
  name: 'a tool that fails once',
  run: (world) =>
    underFlood(world, 200, async () => {
      await world.tools.arm(ONCE[world.round % ONCE.length] as Tool, 'fail');
      const mark = world.log.mark;
      world.daemon.running.kill('SIGHUP');
      await world.log.says(/file read again/, mark);
    }),
};

/** Three times: asked again, it fails again. */
const fails: SoakTurn = {
  name: 'a tool that fails',
  expected: [/rules of default cannot be looked at in iptables-nft: .*cannot allocate memory/],
  run: (world) =>
    underFlood(world, 200, async () => {
      const { log, tools } = world;
      const mark = log.mark;
      // A glance, and the whole look that follows it.
      await tools.arm('iptables-nft-save', ...Array.from({ length: 6 }, () => 'fail' as const));
      await foreignRule(world, '-A');
      await log.says(/cannot be looked at/, mark);
      await tools.disarm();
      await foreignRule(world, '-D');
      world.daemon.running.kill('SIGHUP');
      await log.says(/file read again/, mark);
    }),
};

/** Rules that are gone, and cannot be put back at once. */
const failsToRestore: SoakTurn = {
  name: 'rules that cannot be put back at once',
  withoutRules: true,
  expected: [
    REFUSED,
    /rules of default are no longer in iptables-nft as they were installed/,
    /rules of default could not be installed again, and will be tried: .*cannot allocate memory/,
  ],
  run: (world) =>
    underFlood(world, 1400, async () => {
      const { log, tools, net } = world;
      const mark = log.mark;
      await tools.arm('iptables-nft-restore', 'fail', 'fail', 'fail');
      await flushRules(net.router);
      await log.says(/could not be installed again/, mark);
      await tools.disarm();
      world.daemon.running.kill('SIGHUP');
      await log.says(/rules installed with iptables-nft[^]*file read again/, mark);
    }),
};

/** Ended from outside once it is named, and every tenth time by the run itself, at its limit of a minute. */
const hangs: SoakTurn = {
  name: 'a tool that hangs',
  expected: [/not reloaded, running on as before: .*(killed by SIGKILL|no answer within 60 s)/],
  run: (world) =>
    underFlood(world, 200, async () => {
      const { log, tools, daemon } = world;
      const mark = log.mark;
      await tools.arm('iptables-nft-save', 'hang');
      daemon.running.kill('SIGHUP');
      const pids = await tools.taken();
      await log.says(/waiting for iptables-nft-save, at most 60 s/, mark);
      if (world.round % 10 !== 0) for (const pid of pids) process.kill(pid, 'SIGKILL');
      await log.says(/not reloaded, running on as before/, mark, 120_000);
      daemon.running.kill('SIGHUP');
      await log.says(/file read again/, mark);
    }),
};

export const TURNS: readonly SoakTurn[] = [
  ...[flood(64), flood(200), flood(1400), tcp, signals, stall, flaps, flushes, later],
  ...[failsOnce, fails, failsToRestore, hangs],
];
