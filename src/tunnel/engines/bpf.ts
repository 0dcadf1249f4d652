/** The fast path: a program at the egress of the tunnel device clears DF of every frame that enters it. */
import { fastPathItem } from '../items/fast-path.js';
import type { ManglerPlan } from '../plan.js';
import { gretapOf } from '../site/site.js';
import { type EngineDefinition, type EngineParts, ability, instead } from './engine.js';
import { nfqueue } from './nfqueue.js';

const ALONE: EngineParts = { ignoreDf: false, first: [], onBridge: [], onTunnel: [], mangler: undefined, notes: [] };

export const bpf: EngineDefinition = {
  name: 'bpf',
  can(site, facts) {
    if (gretapOf(site)?.pmtudisc === true) {
      const because = 'with tunnel.pmtudisc the kernel refuses the outer packet before any program sees it';
      return { answer: 'no', because, hint: 'tunnel.pmtudisc: false, or engine: nfqueue' };
    }
    const found = ability(
      facts,
      'fastPath',
      {
        yes: 'this kernel takes the program',
        no: 'this kernel does not take the program',
        unknown: 'whether this kernel takes the program could not be found out',
      },
      `use ${instead(site, 'tunnel-flag', 'nfqueue')}`,
    );
    if (site.queueGiven !== true || found.answer === 'no') return found;
    const behind = nfqueue.can(site, facts);
    return behind.answer === 'no' ? { ...behind, because: `the queue behind it (queue): ${behind.because}` } : found;
  },
  trade:
    'it needs no process; every packet is counted, and gets an identification that does not repeat while its ' +
    'fragments may be in transit',
  parts(context) {
    const { name, tunnel, identification } = context.site;
    const program = fastPathItem(tunnel.name, {
      name,
      identification,
      reason: 'clears DF of what enters the tunnel: the kernel then fragments the packet around it',
    });
    if (context.site.queueGiven !== true) return { ...ALONE, onTunnel: [program], notes: [aloneNote(tunnel.name)] };
    const behind = nfqueue.parts(context);
    return { ...behind, onTunnel: [program], mangler: behind.mangler && narrowed(behind.mangler) };
  },
};

/** At a bridge the queue comes first: it is left only what the program leaves. */
function narrowed({ rules, backend }: ManglerPlan): ManglerPlan {
  return { backend, rules: rules.map((rule) => (rule.hook === 'bridge' ? { ...rule, leftByFastPath: true } : rule)) };
}

function aloneNote(device: string): string {
  return (
    `TCP that a network card has merged (GRO) and that has identification 0 keeps DF, and does not pass ${device} at full ` +
    'size: clear-df tunnel status counts it as left for the queue; queue: 0 in the file puts a queue behind the program'
  );
}
