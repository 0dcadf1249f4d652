/** What a person should know about an instance's rules on this machine, beside that they are installed. Pure. */
import { type RuleSpec } from '../../rules/spec.js';
import { hiddenTables, savedRules } from '../../rules/iptables.js';
import { droppingForward, redirectsNatively } from '../../rules/ruleset.js';
import { type Backend, type Contents } from './backends.js';

/** `warn` where packets may be lost or missed; `info` for what is so by design. */
export interface Note {
  level: 'info' | 'warn';
  text: string;
}

export const warning = (text: string): Note => ({ level: 'warn', text });

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
  const hidden = hiddenOf(contents);
  return contents.some(({ error, save, tables }) => {
    const target = ({ words }: { words: string[] }): string => words[words.indexOf('-j') + 1] ?? '';
    const denied = error !== undefined && error.errno !== 'ENOENT';
    return (
      denied || redirectsNatively(tables, hidden) || savedRules(save).some((rule) => REDIRECTING.has(target(rule)))
    );
  });
}

function hiddenOf(contents: readonly Contents[]): Set<string> {
  return new Set(contents.flatMap(({ save }) => [...hiddenTables(save)]));
}

/** What a router without a place before defragmentation cannot do. */
export function lateNote(reason: string): string {
  return (
    'fragments that come with DF set are seen only after connection tracking has put them together, and leave with DF ' +
    `set again, whatever is counted: to take them before that, nft has to be usable, and it is not (${reason})`
  );
}

/** The notes of every rule, each of them once. */
export function advise(specs: readonly RuleSpec[], backend: Backend, contents: readonly Contents[]): Note[] {
  const notes = specs.flatMap((spec) => adviseOn(spec, backend, contents));
  return [...new Map(notes.map((note) => [note.text, note])).values()];
}

function adviseOn(spec: RuleSpec, backend: Backend, contents: readonly Contents[]): Note[] {
  const notes: Note[] = [];
  if (spec.hook === 'bridge' && backend !== 'nft') {
    const dropping = [
      ...contents.filter(({ save }) => /^:FORWARD DROP\b/m.test(save)).map((each) => each.backend),
      ...contents.flatMap(({ tables }) => droppingForward(tables, hiddenOf(contents))).map((chain) => `nft ${chain}`),
    ];
    for (const where of dropping) {
      notes.push(
        warning(`bridged IPv4 passes iptables now, and the FORWARD policy in ${where} is DROP: accept it there`),
      );
    }
  }
  if (spec.hook === 'prerouting' && spec.outDev !== undefined) {
    const text = `packets that leave by other devices than ${spec.outDev} match too: routing comes after prerouting`;
    notes.push({ level: 'info', text });
  }
  return notes;
}
