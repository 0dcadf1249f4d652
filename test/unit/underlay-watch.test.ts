/** What a running tunnel says of a VPN that goes and comes; on a machine of canned answers. */
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import type { Runner } from '../../src/host/exec.js';
import { UnderlayWatch } from '../../src/commands/tunnel/underlay-watch.js';
import type { Logger } from '../../src/log.js';
import { address, facts, link, site } from './tunnel-samples.js';

const LOCAL = '10.99.0.2';
const REMOTE = '10.99.0.1';

/** The device as the next look finds it; undefined: gone. */
interface Device {
  index: number;
  mtu: number;
  address?: boolean;
}

class Canned {
  device: Device | undefined = { index: 5, mtu: 1334 };
  /** Commands that were given. */
  readonly asked: string[] = [];
  /** What fails instead of being answered. */
  broken: Error | undefined;

  readonly runner = {
    query: async (_command: string, args: readonly string[]) => {
      const text = args.join(' ');
      this.asked.push(text);
      if (this.broken !== undefined) throw this.broken;
      return this.#answer(text);
    },
  } as Runner;

  #answer(text: string): string {
    const { device } = this;
    const shown = device && [
      {
        ...{ ifindex: device.index, ifname: 'tun0', flags: ['UP'], mtu: device.mtu, linkinfo: { info_kind: 'tun' } },
        addr_info:
          device.address === false
            ? []
            : [{ family: 'inet', local: LOCAL, prefixlen: 32, valid_life_time: this.asked.length }],
      },
    ];
    if (text === '-j address show dev tun0') {
      if (shown) return JSON.stringify(shown);
      throw this.#refusal('Device "tun0" does not exist.');
    }
    if (text === '-d -j address show') return JSON.stringify([{ ifname: 'eth0', mtu: 1500 }, ...(shown ?? [])]);
    if (text.includes('route get')) return JSON.stringify([{ dev: device ? 'tun0' : 'eth1' }]);
    return '';
  }

  #refusal(reason: string): ClearDfError {
    return new ClearDfError({ code: 'RUNTIME', operation: 'run', object: 'ip', reason });
  }
}

function watched() {
  const machine = new Canned();
  const said: string[] = [];
  const hear = (level: string) => (_fields: object, words: string) => void said.push(`${level} ${words}`);
  const log = { info: hear('info'), warn: hear('warn') } as unknown as Logger;
  const tunnel = site({ carrier: { type: 'tun' }, underlay: 'tun0', local: LOCAL, remote: REMOTE });
  const planned = facts({
    links: [link('eth0'), link('tun0', { mtu: 1334, kind: 'tun', addresses: [address(`${LOCAL}/32`)] })],
    path: { dev: 'tun0', mtu: 1334, source: LOCAL, via: undefined },
  });
  const watch = new UnderlayWatch(tunnel, { runner: machine.runner, log, facts: planned, everyMs: 3_600_000 });
  watch.stop();
  return { machine, watch, said };
}

describe('the watch on the underlay', () => {
  it('says once that the device is gone, and that it is back', async () => {
    const { machine, watch, said } = watched();
    await watch.look();
    expect(said).toEqual([]);
    machine.device = undefined;
    for (let looks = 0; looks < 3; looks += 1) await watch.look();
    expect(said).toEqual([`warn ${REMOTE} is unreachable: there is no device tun0; there are eth0`]);
    // First the device, later its address: nothing gets through in between either.
    machine.device = { index: 6, mtu: 1334, address: false };
    await watch.look();
    expect(said[1]).toContain(`warn ${REMOTE} is unreachable: no device of this machine has ${LOCAL}`);
    machine.device = { index: 6, mtu: 1334 };
    for (let looks = 0; looks < 3; looks += 1) await watch.look();
    expect(said.slice(2)).toEqual([`info the path to ${REMOTE} is back: through tun0, MTU 1334`]);
  });

  it('notices a device that is another one, between two looks', async () => {
    const { machine, watch, said } = watched();
    await watch.look();
    machine.device = { index: 7, mtu: 1334 };
    await watch.look();
    expect(said).toEqual([`info tun0 was gone for a moment and is back; the route to ${REMOTE} uses tun0, MTU 1334`]);
  });

  it('says what another MTU makes of a full packet', async () => {
    const { machine, watch, said } = watched();
    await watch.look();
    machine.device = { index: 5, mtu: 1280 };
    await watch.look();
    // 1538: 20 + 1256 (157 × 8) and 20 + 262; before 20 + 1312 and 20 + 206.
    expect(said).toEqual([
      "warn tun0 now carries 1280 bytes, before 1334: a host's packet of 1500 bytes becomes 1276 + 282, no longer 1332 + 226",
    ]);
    await watch.look();
    expect(said).toHaveLength(1);
  });

  it('asks for no more than the device while nothing changes, and for the routes now and then', async () => {
    const { machine, watch } = watched();
    await watch.look();
    machine.asked.length = 0;
    for (let looks = 0; looks < 4; looks += 1) await watch.look();
    expect(machine.asked).toEqual(Array(4).fill('-j address show dev tun0'));
    await watch.look();
    expect(machine.asked.some((text) => text.includes('route get'))).toBe(true);
  });

  it('goes on when it cannot look', async () => {
    const { machine, watch, said } = watched();
    machine.broken = new Error('EMFILE');
    for (let looks = 0; looks < 2; looks += 1) await watch.look();
    expect(said).toEqual(['warn tun0 cannot be looked at, and will be tried: EMFILE']);
    machine.broken = undefined;
    machine.device = undefined;
    await watch.look();
    expect(said[1]).toContain(`${REMOTE} is unreachable`);
  });
});
