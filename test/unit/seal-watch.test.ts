/** A running tunnel puts back what keeps its frames from leaving unencrypted; on a machine of canned answers. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import type { Runner } from '../../src/host/exec.js';
import type { Logger } from '../../src/log.js';
import { hasSeals, SealWatch } from '../../src/commands/tunnel/seal-watch.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { tableJson, tablesOf } from '../helpers/nft-table.js';
import { facts, site, xfrmCarrier } from './tunnel-samples.js';

const lock = vi.hoisted(() => ({ taken: 0, busy: false }));
vi.mock('../../src/host/tunnel/paths.js', async (original) => {
  const { ClearDfError: Refusal } = await import('../../src/errors.js');
  return {
    ...(await original<object>()),
    takeTunnelLock() {
      if (lock.busy) throw new Refusal({ code: 'CONFLICT', operation: 'change tunnel', reason: 'down is at work' });
      lock.taken += 1;
      return { release: () => undefined };
    },
  };
});
afterEach(() => Object.assign(lock, { taken: 0, busy: false }));

const RULE = 'not from all fwmark 0xcdf/0xfff lookup 3295';
const SELECTOR = 'src 192.168.200.1 dst 172.16.0.1 proto gre key 0 dir out';

/** What xfrm, nft and the routing policy hold of the guards; everything else is as planned, or no seal. */
class Canned {
  guard = true;
  table = true;
  flushed = false;
  /** The guard's policy allows. */
  opened = false;
  rule = true;
  readonly changed: string[] = [];
  refuses: string | undefined;

  /** @param line of the table that the plan makes */
  constructor(private readonly line: string) {}

  readonly runner = {
    query: async (command: string, args: readonly string[]) => this.#answer(`${command} ${args.join(' ')}`),
    change: async (command: string, args: readonly string[]) => {
      const text = `${command} ${args.join(' ')}`;
      if (this.refuses !== undefined && text.startsWith(this.refuses)) {
        throw new ClearDfError({ code: 'RUNTIME', operation: 'run', object: text, reason: 'refused' });
      }
      this.changed.push(text);
      if (text.startsWith('ip xfrm policy add')) this.guard = true;
      if (text.startsWith('nft')) [this.table, this.flushed] = [true, false];
      if (text.startsWith('ip -4 rule add')) this.rule = true;
    },
  } as unknown as Runner;

  #answer(text: string): string {
    if (text === 'ip xfrm policy') return this.#policies();
    if (text === 'nft -j list tables') {
      const table = { table: { family: 'inet', name: 'clear_df_site-a' } };
      return JSON.stringify({ nftables: this.table ? [table] : [] });
    }
    if (text === 'nft -j list table inet clear_df_site-a') {
      return tableJson(this.flushed ? this.line.replace('output 2', 'output 0') : this.line);
    }
    if (text === 'ip -o -4 rule show') return this.rule ? `3295:\t${RULE}\n` : '';
    if (text.includes('route show table all')) {
      const unreachable = 'unreachable 172.16.0.1 table 3295 metric 4294967294';
      return text.includes('-4') ? `${unreachable}\n172.16.0.1 dev ipsec0 table 3295 scope link\n` : '';
    }
    if (text.includes('route get')) return JSON.stringify([{ dev: 'ipsec0' }]);
    if (text.includes('address show')) return JSON.stringify([{ ifname: 'ipsec0', mtu: 1446, flags: ['UP'] }]);
    return '';
  }

  #policies(): string {
    const ends = 'src 192.168.200.1/32 dst 172.16.0.1/32 proto';
    const icmp = ['3 code 3', '3 code 2', '11 code 1'].map(
      (type) => `${ends} icmp type ${type}\n\tdir out action block`,
    );
    const all = ['0.0.0.0/0', '::/0'].flatMap((prefix) =>
      ['in', 'fwd', 'out'].map((dir) =>
        [
          `src ${prefix} dst ${prefix}\n\tdir ${dir} priority 0`,
          '\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 3295 mode tunnel\n\tif_id 0xcdf',
        ].join('\n'),
      ),
    );
    const guard = `${ends} gre key 0\n\tdir out ${this.opened ? '' : 'action block '}priority 4294967295`;
    return [...icmp, ...all, ...(this.guard ? [guard] : [])].join('\n');
  }
}

function watched() {
  const said: string[] = [];
  const hear = (...words: unknown[]) => void said.push(String(words.at(-1)));
  const log = { info: hear, warn: hear, debug: () => undefined } as unknown as Logger;
  const keys = {
    out: { spi: 0x1001, encryption: '00'.repeat(20) },
    in: { spi: 0x1002, encryption: '11'.repeat(20) },
  };
  const plan = planTunnel(site({ carrier: xfrmCarrier() }), facts(), keys);
  const machine = new Canned(tablesOf(plan.items, facts())[0] ?? '');
  const watch = new SealWatch(plan, { runner: machine.runner, log, facts: facts(), everyMs: 3_600_000 });
  return { machine, watch, said, plan };
}

describe('a running tunnel', () => {
  it('changes nothing, and takes no lock, while everything is there', async () => {
    const { machine, watch, said } = watched();
    await watch.look();
    expect([machine.changed, said, lock.taken]).toEqual([[], [], 0]);
  });

  it.each([
    ['guard', `ip xfrm policy add ${SELECTOR} action block priority 4294967295`],
    ['table', 'nft -f -'],
    ['rule', 'ip -4 rule add preference 3295 not fwmark 0xcdf/0xfff lookup 3295'],
  ] as const)('puts back the %s that another program has removed, and logs it', async (what, command) => {
    const { machine, watch, said } = watched();
    machine[what] = false;
    await watch.look();
    expect(machine.changed).toEqual([command]);
    expect(said).toEqual([expect.stringContaining('restored, another program had removed it')]);
    await watch.look();
    expect(machine.changed).toHaveLength(1);
    await watch.stop();
  });

  it('puts back the rules of a table that has been flushed', async () => {
    const { machine, watch, said } = watched();
    machine.flushed = true;
    await watch.look();
    await watch.look();
    expect(machine.changed).toEqual(['nft -f -']);
    expect(said).toEqual([expect.stringContaining('restored, another program had removed it')]);
  });

  it('waits while another process changes the tunnel', async () => {
    const { machine, watch, said } = watched();
    machine.guard = false;
    lock.busy = true;
    await watch.look();
    expect([machine.changed, said]).toEqual([[], []]);
    lock.busy = false;
    await watch.look();
    expect(machine.changed).toHaveLength(1);
  });

  it('says once what it cannot put back, and puts back the rest', async () => {
    const { machine, watch, said } = watched();
    Object.assign(machine, { guard: false, rule: false, refuses: 'ip xfrm' });
    await watch.look();
    await watch.look();
    expect(machine.changed).toEqual(['ip -4 rule add preference 3295 not fwmark 0xcdf/0xfff lookup 3295']);
    expect(said.filter((words) => words.includes('cannot be put back'))).toHaveLength(1);
  });

  it('logs once a guard that lets through now, and leaves it alone', async () => {
    const { machine, watch, said } = watched();
    machine.opened = true;
    await watch.look();
    await watch.look();
    expect(machine.changed).toEqual([]);
    expect(said).toEqual([
      expect.stringMatching(/^not certain that GRE from .* does not leave: a policy .* lets it through$/),
    ]);
  });

  it('never makes an association anew: its IVs would repeat', async () => {
    const { machine, watch } = watched();
    await watch.look();
    expect(machine.changed.join()).not.toContain('xfrm state');
  });

  it('has nothing to watch with carrier plain', () => {
    expect(hasSeals(planTunnel(site(), facts()))).toBe(false);
    expect(hasSeals(watched().plan)).toBe(true);
  });
});
