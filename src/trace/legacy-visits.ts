/** What iptables-legacy's tables logged, to visits. */
import { identityOf } from './header.js';
import type { LegacyEvent } from './nflog.js';
import { HOOKS, type Hook } from './nft-marks.js';
import type { Rulebook } from './rulebook.js';
import { tracerOfTag } from './tag.js';
import type { Devices, ChainVisit } from './chain-visit.js';

/** NF_IP_PRI_* (linux/netfilter_ipv4.h); nat hangs after filter where packets leave. */
const PRIORITIES: Record<string, number> = { raw: -300, mangle: -150, nat: -100, filter: 0, security: 50 };
const NAT_SOURCE = 100;

/** What ends a packet's path through a table. The others go on with the next rule, or in another chain. */
const VERDICTS: Record<string, string> = {
  ...{ ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop', NFQUEUE: 'queue', QUEUE: 'queue', TARPIT: 'drop' },
};

export class LegacyVisits {
  readonly #visits: ChainVisit[] = [];
  /** The visit that a packet is at, by its identity, hook and table. */
  readonly #open = new Map<string, ChainVisit>();

  /** @param name of a device by its number */
  constructor(
    private readonly book: Rulebook,
    private readonly name: (device: number) => string,
  ) {}

  /** In the order in which they began. */
  get visits(): readonly ChainVisit[] {
    return this.#visits;
  }

  push(event: LegacyEvent): void {
    const hook = HOOKS[event.hook];
    if (hook === undefined) return;
    const { table, chain, what, number } = event;
    const at = `${identityOf(event.head)} ${hook} ${table}`;
    const rule = what === 'rule' ? this.book.legacyRule(table, chain, number) : undefined;
    if (rule?.target === 'TRACE' && tracerOfTag(rule.comment ?? '') !== undefined) return;
    const visit = this.#open.get(at) ?? this.#begin(at, hook, event);
    if (what === 'policy') {
      visit.verdict = this.book.legacyPolicy(table, chain);
      this.#open.delete(at);
    } else if (rule !== undefined && VERDICTS[rule.target ?? ''] !== undefined) {
      visit.verdict = VERDICTS[rule.target ?? ''];
      visit.rule = rule;
      this.#open.delete(at);
    }
  }

  #begin(at: string, hook: Hook, { table, head, devices }: LegacyEvent): ChainVisit {
    const named: Devices = Object.fromEntries(Object.entries(devices).map(([key, number]) => [key, this.name(number)]));
    const priority = table === 'nat' && hook !== 'prerouting' && hook !== 'output' ? NAT_SOURCE : PRIORITIES[table];
    const visit: ChainVisit = {
      ...{ source: 'legacy', trace: '', head, family: 'ip', hook, table, chain: hook.toUpperCase() },
      ...{ priority: priority ?? 0, devices: named, verdict: undefined, rule: undefined, roles: undefined },
    };
    this.#open.set(at, visit);
    this.#visits.push(visit);
    return visit;
  }
}
