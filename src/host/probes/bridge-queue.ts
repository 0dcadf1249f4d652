/**
 * Whether iptables can queue bridged frames. Where br_netfilter is loaded the rule is tried; where it is not, only
 * looked for: the physdev match loads it, and that sends the frames of every bridge in every namespace through iptables.
 */
import { ClearDfError } from '../../errors.js';
import { isInstalled } from '../exec.js';
import { persistently } from '../firewall/backends.js';
import type { ProbeContext, Finding } from './context.js';

const RULE = [
  '-m',
  'physdev',
  '--physdev-is-bridged',
  '--physdev-out',
  'cdfprobe0',
  '-j',
  'NFQUEUE',
  '--queue-num',
  '0',
];

/** What the rule needs beside br_netfilter; each may be built in without a trace. */
const NEEDED = ['xt_physdev', 'xt_NFQUEUE'];

/** The tables of iptables-legacy appear in every namespace on old kernels: it is not tried. */
const TRIED = 'iptables-nft';

export async function probeBridgeQueue(bench: ProbeContext): Promise<Finding> {
  const { modules, loadable } = bench;
  const tools = [TRIED, 'iptables-legacy'].filter(isInstalled);
  if (tools.length === 0) return { answer: 'no', evidence: 'iptables is not installed' };
  if (modules.has('br_netfilter')) return tried(bench, tools);
  if (loadable === undefined) {
    const evidence = 'br_netfilter is not loaded, and the list of modules to look it up in is not there';
    return { answer: 'unknown', evidence };
  }
  const missing = ['br_netfilter', ...NEEDED].filter((name) => !loadable.has(name) && !modules.has(name));
  if (missing.length > 0) return { answer: 'no', evidence: `this kernel has no ${missing.join(' and no ')}` };
  const words = `br_netfilter, ${NEEDED.join(' and ')} are there to be loaded`;
  return { answer: 'yes', evidence: `${words}; loading br_netfilter to try would touch every namespace` };
}

async function tried({ namespace, reason }: ProbeContext, tools: readonly string[]): Promise<Finding> {
  if (namespace === undefined) return { answer: 'unknown', evidence: reason };
  if (!tools.includes(TRIED))
    return { answer: 'unknown', evidence: `${tools.join(', ')} would touch other namespaces` };
  try {
    await persistently(() => namespace.run(TRIED, ['-t', 'mangle', '-A', 'FORWARD', ...RULE]));
    return { answer: 'yes', evidence: 'a rule with physdev and NFQUEUE was loaded in a private namespace' };
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    const evidence = `${TRIED} cannot load a rule with physdev and NFQUEUE: ${error.reason}`;
    return { answer: tools.length > 1 ? 'unknown' : 'no', evidence };
  }
}
