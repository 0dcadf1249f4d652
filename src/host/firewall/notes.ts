/** What a person should know about an instance's rules on this machine, beside that they are installed. Pure. */
import { type RuleSpec } from '../../rules/spec.js';
import { savedRules } from '../../rules/iptables.js';
import { redirectsNatively } from '../../rules/ruleset.js';
import { type Backend, type Contents } from './backends.js';

/** Targets in PREROUTING that turn a packet for someone else into one for this host. */
const REDIRECTING = new Set(['REDIRECT', 'DNAT', 'TPROXY']);

/**
 * Whether no packet that any of the rules queues is delivered to this host. The rules leave out local
 * destinations; a later redirection at prerouting would make one local all the same.
 */
export function neverLocal(specs: readonly RuleSpec[], contents: readonly Contents[]): boolean {
  return specs.every(({ hook }) => hook !== 'prerouting') || !redirects(contents);
}

function redirects(contents: readonly Contents[]): boolean {
  return contents.some(({ error, save, tables }) => {
    const target = ({ words }: { words: string[] }): string => words[words.indexOf('-j') + 1] ?? '';
    const denied = error !== undefined && error.errno !== 'ENOENT';
    return denied || redirectsNatively(tables) || savedRules(save).some((rule) => REDIRECTING.has(target(rule)));
  });
}

/** The notes of every rule, each of them once. */
export function advise(specs: readonly RuleSpec[], backend: Backend, contents: readonly Contents[]): string[] {
  return [...new Set(specs.flatMap((spec) => adviseOn(spec, backend, contents)))];
}

function adviseOn(spec: RuleSpec, backend: Backend, contents: readonly Contents[]): string[] {
  const notes: string[] = [];
  const dropping = contents.find(({ save }) => /^:FORWARD DROP\b/m.test(save));
  if (spec.hook === 'bridge' && backend !== 'nft' && dropping) {
    notes.push(
      `bridged IPv4 passes iptables now, and the FORWARD policy in ${dropping.backend} is DROP: accept it there`,
    );
  }
  if (spec.hook === 'prerouting' && spec.outDev !== undefined) {
    notes.push(`packets that leave by other devices than ${spec.outDev} match too: routing comes after prerouting`);
  }
  return notes;
}
