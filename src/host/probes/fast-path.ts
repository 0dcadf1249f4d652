/**
 * Whether the fast path can be: tc takes a clsact qdisc and a filter of bpf, in a private namespace, and the kernel takes
 * the program, which is attached nowhere.
 */
import { ClearDfError } from '../../errors.js';
import { isShortage } from '../shortage.js';
import type { Finding, ProbeContext } from './context.js';

/** Classic BPF: return 0. */
const NOTHING = '1,6 0 0 0,';

export async function probeFastPath({ namespace, reason }: ProbeContext): Promise<Finding> {
  if (namespace === undefined) return { answer: 'unknown', evidence: reason };
  const steps: [string, () => Promise<unknown>][] = [
    ['a clsact qdisc', () => namespace.run('tc', ['qdisc', 'add', 'dev', 'lo', 'clsact'])],
    [
      'a filter of bpf',
      () => namespace.run('tc', ['filter', 'add', 'dev', 'lo', 'egress', 'bpf', 'bytecode', NOTHING]),
    ],
    ['the program', async () => (await import('../../fast-path/single.js')).tryProgram()],
  ];
  for (const [what, step] of steps) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      const answer = saysNothing(error, what === 'the program') ? 'unknown' : 'no';
      return { answer, evidence: `${what}: ${error.reason}` };
    }
  }
  return { answer: 'yes', evidence: 'the kernel took it, and tc a filter of its kind' };
}

/** As tc says that memory is short. */
const NOT_THE_KERNEL = /cannot allocate memory|no buffer space/i;

/** A tool that is not installed, a right that is missing, and what the machine is short of say nothing of the kernel. */
function saysNothing(error: ClearDfError, byAddon: boolean): boolean {
  if (error.code === 'PRIVILEGE' || isShortage(error)) return true;
  return !byAddon && (error.code === 'ENVIRONMENT' || NOT_THE_KERNEL.test(error.reason));
}
