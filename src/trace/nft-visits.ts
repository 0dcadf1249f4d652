/** Lines of `nft monitor trace` to visits, as they come. */
import { type NftLine, parseNftLine } from './nft-line.js';
import { type Role, roleOf } from './nft-marks.js';
import type { Rulebook } from './rulebook.js';
import { tracerOfTable } from './tag.js';
import type { ChainVisit } from './chain-visit.js';

/** Verdicts that leave a base chain; after the others it goes on to the next rule or to the policy. */
const FINAL = new Set(['accept', 'drop', 'queue', 'stolen', 'stop']);

export class NftVisits {
  readonly #visits: ChainVisit[] = [];
  /** The visit that each packet is at. */
  readonly #open = new Map<string, ChainVisit & { told: Set<Role> }>();

  constructor(
    private readonly book: Rulebook,
    private readonly table: string,
  ) {}

  /** In the order in which they began. */
  get visits(): readonly ChainVisit[] {
    return this.#visits;
  }

  /** Takes a line; those of other traces' tables and of what is no IPv4 are passed over. */
  push(text: string): void {
    const line = parseNftLine(text);
    if (line === undefined || (line.table !== this.table && tracerOfTable(line.table) !== undefined)) return;
    if (line.what === 'packet') this.#begin(line);
    else this.#goOn(line);
  }

  #begin({ id, family, table, chain, head, devices = {} }: NftLine): void {
    this.#open.delete(id);
    const place = this.book.placeOf(family, table, chain);
    if (head === undefined || place === undefined) return;
    const told = new Set<Role>();
    const roles = table === this.table ? told : undefined;
    const at = { source: 'nft' as const, trace: id, head, family, table, chain, ...place, devices };
    const visit = { ...at, verdict: undefined, rule: undefined, roles, told };
    this.#open.set(id, visit);
    this.#visits.push(visit);
  }

  #goOn(line: NftLine): void {
    const { id, family, table, chain, what, rule = '', handle, verdict = '' } = line;
    const visit = this.#open.get(id);
    if (visit === undefined || visit.family !== family || visit.table !== table) return;
    const role = visit.roles === undefined || what !== 'rule' ? undefined : roleOf(rule);
    if (role !== undefined) visit.told.add(role);
    if (what === 'policy') visit.verdict = verdict;
    if (what !== 'rule' || !FINAL.has(verdict)) return;
    visit.verdict = verdict;
    visit.rule = this.book.nftRule(family, table, chain, handle, rule);
  }
}
