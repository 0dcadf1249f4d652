/** Which backend gets all rules of an instance: the one asked for, or the one that fits this machine best. Pure. */
import { ClearDfError, usageError } from '../../errors.js';
import { type Hook } from '../../rules/spec.js';
import { BACKENDS, type Backend, type Candidate, isHome } from './backends.js';

export const BACKEND_CHOICES = [...BACKENDS, 'auto'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

interface Choice {
  candidate: Candidate;
  /** Why this one, in words. */
  reason: string;
}

/** @throws ClearDfError USAGE */
export function parseBackendChoice(value: string): BackendChoice {
  const known = BACKEND_CHOICES.find((choice) => choice === value);
  if (known === undefined) throw usageError('--backend', value, BACKEND_CHOICES.join(', '));
  return known;
}

/**
 * At the bridge hook iptables comes first: a GSO packet that an nft bridge queue has to split
 * loses its Ethernet header, and from some kernel after 6.12 every packet it hands back is lost.
 */
function preference(iptablesFirst: boolean): readonly Backend[] {
  return iptablesFirst ? ['iptables-nft', 'iptables-legacy', 'nft'] : ['nft', 'iptables-nft', 'iptables-legacy'];
}

/**
 * Rules of several hooks go into one backend, so that one transaction installs them.
 * With `auto`: the backend that holds this instance's rules already, else nft where it has its own `queue` (a chain of
 * one's own keeps no packet from the rules of others), else the usable one with the most foreign rules, else the first
 * usable one, else one that could not be tried.
 * @throws ClearDfError ENVIRONMENT when the one asked for, or every one, is unusable
 */
export function chooseBackend(
  candidates: readonly Candidate[],
  choice: BackendChoice,
  hooks: readonly Hook[],
  name: string,
): Choice {
  if (choice !== 'auto') {
    const asked = candidates.find(({ backend }) => backend === choice);
    if (asked === undefined || asked.usable === 'no') throw unfit(choice, asked ? [asked] : [], candidates);
    return { candidate: asked, reason: 'asked for' };
  }
  const bridged = hooks.includes('bridge');
  // Through iptables, target nft comes last: iptables shows such rules to everybody who looks.
  const byTarget = candidates.some(({ means }) => means === 'target');
  const iptablesFirst = bridged || byTarget;
  const order = preference(iptablesFirst);
  const ranked = [...candidates].sort((a, b) => order.indexOf(a.backend) - order.indexOf(b.backend));
  const usable = ranked.filter((candidate) => candidate.usable === 'yes');
  const holder = usable.find((candidate) => isHome(candidate, name));
  if (holder) return { candidate: holder, reason: 'it holds the rules of this name already' };
  const own = bridged ? undefined : usable.find(({ backend, means }) => backend === 'nft' && means === 'expression');
  if (own) return { candidate: own, reason: 'a chain of its own, which keeps no packet from the rules of others' };
  const inUse = usable.filter(({ backend, foreign }) => foreign > 0 && !(iptablesFirst && backend === 'nft'));
  const most = inUse.sort((a, b) => b.foreign - a.foreign)[0];
  if (most) return { candidate: most, reason: `${most.foreign} other rules are kept with it` };
  if (usable[0]) {
    const none = `no usable ${iptablesFirst ? 'iptables' : 'backend'} holds rules of other programs`;
    return { candidate: usable[0], reason: `${none}; ${why(usable[0], ranked)}` };
  }
  const untried = ranked.filter((candidate) => candidate.usable === 'unknown' && candidate.backend !== 'nft');
  const unknown = untried.find(({ error }) => error === undefined) ?? untried[0];
  if (unknown) return { candidate: unknown, reason: `whether it works is not known: ${unknown.reason}` };
  throw unfit('auto', ranked, ranked);
}

function why({ backend }: Candidate, ranked: readonly Candidate[]): string {
  const passed = ranked.slice(
    0,
    ranked.findIndex((candidate) => candidate.backend === backend),
  );
  if (passed.length === 0) return 'this is the preferred one';
  return passed.map((candidate) => `${candidate.backend}: ${candidate.reason}`).join('; ');
}

/** What the rules need of the kernel, in any backend; the tools load the rest by themselves. */
const MODULES =
  'modprobe -a nf_tables nft_compat nft_queue ip_tables xt_NFQUEUE xt_u32, as far as this kernel has them';

function unfit(choice: BackendChoice, candidates: readonly Candidate[], all: readonly Candidate[]): ClearDfError {
  const others = all.filter(({ backend, usable }) => backend !== choice && usable !== 'no');
  const another = `choose another: ${others.map(({ backend }) => backend).join(', ')}`;
  const absent = candidates.every(({ error }) => error?.errno === 'ENOENT');
  const missing = choice === 'auto' ? 'iptables nftables' : choice === 'nft' ? 'nftables' : 'iptables';
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'use',
    object: `--backend ${choice}`,
    reason: candidates.map(({ backend, reason }) => (choice === 'auto' ? `${backend}: ${reason}` : reason)).join('; '),
    hint: absent ? `apt-get install ${missing}` : choice === 'auto' || others.length === 0 ? MODULES : another,
  });
}
