/**
 * iptables' target NFQUEUE in a chain of nft's, for kernels without nft's own `queue` expression: nft cannot write such
 * a rule, so the addon does.
 */
import { constants } from 'node:os';
import { ClearDfError } from '../../errors.js';
import { native, type NativeQueueRule } from '../../native.js';
import * as nft from '../../rules/nft.js';
import { type ResolvedRule, tagOf } from '../../rules/resolve.js';
import { type Runner } from '../exec.js';

/** Whether the kernel takes the rules' targets in the family ip. Nothing stays of the trial. */
export function takesTargets(rules: readonly ResolvedRule[]): boolean {
  if (rules.some(({ hook }) => nft.familyOf(hook) !== 'ip')) return false;
  return nft.targets(rules).every((target) => add(ruleOf(nft.TRIAL, target, true)) === 0);
}

/**
 * Fills the chains of a table that has just been made. Should one be refused, the table goes again.
 * @throws ClearDfError RUNTIME
 */
export async function addTargets(runner: Runner, name: string, rules: readonly ResolvedRule[]): Promise<void> {
  for (const target of nft.targets(rules)) {
    const table = nft.tableOf('ip', name);
    await runner.effect(
      `# by netlink, as nft cannot: iptables' target NFQUEUE into ${table} ${target.chain}`,
      async () => {
        const error = add(ruleOf(name, target, false));
        if (error === 0) return;
        await runner.change('nft', ['delete', 'table', ...table.split(' ')]);
        throw new ClearDfError({
          code: 'RUNTIME',
          operation: 'add rule to',
          object: `nft table ${table}`,
          reason: 'the kernel refused the target NFQUEUE',
          errno: nameOf(error),
          hint: 'use --backend iptables-nft',
        });
      },
    );
  }
}

function ruleOf(name: string, { chain, queues, bypass, fanout }: nft.Target, tryOnly: boolean): NativeQueueRule {
  const [, table = ''] = nft.tableOf('ip', name).split(' ');
  return { table, chain, comment: tagOf(name), ...queues, bypass, byCpu: fanout === 'cpu', tryOnly };
}

/** @returns 0, or an errno; also where the addon cannot be loaded, which binding a queue reports */
function add(rule: NativeQueueRule): number {
  try {
    return native().nftQueue(rule);
  } catch (error) {
    if (error instanceof ClearDfError) return constants.errno.ENOSYS;
    throw error;
  }
}

function nameOf(errno: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0];
}
