/** What becomes of the process in the foreground of `up` when the file has been edited. */
import { describe, expect, it } from 'vitest';
import { takeover, takeoverCuts } from '../../src/commands/tunnel/takeover.js';
import type { OpenTunnel } from '../../src/host/tunnel/open.js';
import { thisProcess } from '../../src/host/process.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { espCarrier, espInUdpCarrier, facts, GCM_KEYS, site } from './tunnel-samples.js';

const SERVED = { engine: 'nfqueue', queues: { first: 0, last: 0 } } as const;

/** Up from one version, with a process that runs; and another version at hand. */
function edited(from: Parameters<typeof site>[0], to: Parameters<typeof site>[0]): OpenTunnel {
  const planOf = (parts: typeof from) => planTunnel(site(parts), facts(), GCM_KEYS);
  return {
    plan: planOf(to),
    journal: { mangler: thisProcess() },
    former: { plan: planOf(from) },
    machine: { facts: facts() },
  } as unknown as OpenTunnel;
}

describe('the process that runs for a tunnel', () => {
  it('goes on where it has nothing to do otherwise', () => {
    const tunnel = edited(SERVED, { ...SERVED, mtu: 1400 });
    const task = takeover(tunnel, false);
    expect(task).toMatchObject({ keeps: true, replaces: undefined });
    expect(takeoverCuts(task, tunnel)).toEqual([]);
    // Nothing that only sets up stands in its place either.
    expect(takeover(tunnel, true)).toMatchObject({ keeps: true });
  });

  it('is replaced where another queue is to be served, and it is said what that cuts', () => {
    const tunnel = edited(SERVED, { ...SERVED, queues: { first: 1, last: 1 } });
    const task = takeover(tunnel, false);
    expect(task).toMatchObject({ keeps: false, replaces: { pid: process.pid }, first: false });
    expect(takeoverCuts(task, tunnel)).toEqual([expect.stringContaining('full-size frames are lost meanwhile')]);
    expect(() => takeover(tunnel, true)).toThrow(/runs for the earlier version of the file, and cannot go on/);
  });

  it('is replaced where a guard that it restores has other rules, in whatever words', () => {
    const vxlan = (vni: number) => ({
      ...SERVED,
      carrier: espCarrier(),
      tunnel: { type: 'vxlan', name: 'vxlan1', vni, port: 4789 } as const,
    });
    expect(takeover(edited(vxlan(1), { ...vxlan(1), mtu: 1400 }), false)).toMatchObject({ keeps: true });
    expect(takeover(edited(vxlan(1), vxlan(2)), false)).toMatchObject({ keeps: false, replaces: { pid: process.pid } });
  });

  it('is ended without a loss where the device does it from now on', () => {
    const tunnel = edited(SERVED, { engine: 'tunnel-flag' });
    const task = takeover(tunnel, false);
    expect(task).toMatchObject({ replaces: { pid: process.pid }, first: false });
    expect(takeoverCuts(task, tunnel)).toEqual([]);
  });

  it('is ended first where it holds the UDP socket', () => {
    const engine = 'tunnel-flag' as const;
    const tunnel = edited(
      { engine, carrier: espInUdpCarrier() },
      { engine, carrier: espInUdpCarrier({ keepalive: 7 }) },
    );
    expect(takeover(tunnel, false)).toMatchObject({ replaces: { pid: process.pid }, first: true });
  });

  it('is nobody’s business where the file is the same', () => {
    const tunnel = { ...edited(SERVED, SERVED), former: undefined };
    expect(takeover(tunnel, false)).toEqual({ keeps: false, replaces: undefined, first: false });
  });
});
