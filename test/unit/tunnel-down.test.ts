/** What `tunnel down` asks the firewall, from a made-up one. */
import { expect, it } from 'vitest';
import { removeLeftOver } from '../../src/commands/tunnel/down.js';
import type { Runner } from '../../src/host/exec.js';

const LISTINGS: Record<string, string> = {
  nft: '{"nftables":[]}',
  'iptables-nft-save':
    '*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m comment --comment "clear-df:site-a" -j NFQUEUE --queue-num 65000\nCOMMIT\n',
};

it('reads each backend once before it removes the rules that a killed mangler has left', async () => {
  const calls: string[] = [];
  const runner: Runner = {
    // What is changed needs no rights then, and no files.
    dryRun: true,
    query(command) {
      calls.push(command);
      return Promise.resolve(LISTINGS[command] ?? '');
    },
    change(command, args) {
      calls.push(`change: ${command} ${args.join(' ')}`);
      return Promise.resolve('');
    },
    effect: () => Promise.resolve(),
  };
  const { removedFrom } = await removeLeftOver(runner, 'site-a', false);
  expect(removedFrom).toEqual(['iptables-nft']);
  const first = calls.findIndex((call) => call.startsWith('change'));
  expect(calls[first]).toContain('iptables-nft-restore --noflush');
  const read = calls.slice(0, first);
  expect(read).toEqual([...new Set(read)]);
  // iptables-legacy only by whom it would tell.
  expect(read).toEqual(expect.arrayContaining(['iptables-nft-save', 'nft']));
});
