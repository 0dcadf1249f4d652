/** How the keys of a tunnel stand, in words: for `status` and the doctor. Nothing is tried for it. */
import type { IkeAssociation, IkeFacts } from '../../facts.js';
import type { Site } from '../../site/site.js';
import { connectionName, type IkeSite, pairsOf } from './names.js';
import { whyNot } from './reason.js';

export interface IkeVerdict {
  ok: boolean;
  words: string;
  hint?: string | undefined;
}

/** Why the last `up` did not come through. */
export interface LastAttempt {
  /** Milliseconds since 1970. */
  at: number;
  words: string;
  hint: string;
}

/** States of a child whose keys are in the kernel (`child_sa_state_t`). */
const CARRIES = new Set(['INSTALLED', 'REKEYING', 'REKEYED', 'UPDATING']);

/** The association that seals packets to one other end now, if there is one. */
export function sealing(site: Pick<Site, 'name'>, { associations }: IkeFacts): IkeAssociation | undefined {
  return ofSite(site, associations).find(({ children }) => children.some(({ state }) => CARRIES.has(state)));
}

function ofSite(site: Pick<Site, 'name'>, associations: readonly IkeAssociation[]): IkeAssociation[] {
  return associations.filter(({ connection }) => connection === connectionName(site));
}

/**
 * @param last of one other end; of several nobody knows which it was
 * @param now milliseconds since 1970
 */
export function judgeIke(site: IkeSite, facts: IkeFacts, last: LastAttempt | undefined, now: number): IkeVerdict {
  const pairs = pairsOf(site);
  const all = pairs.map((pair) => judgePair(pair, facts, pairs.length === 1 ? last : undefined, now));
  const [only] = all;
  if (only !== undefined && all.length === 1) return only;
  return {
    ok: all.every(({ ok }) => ok),
    words: all.map(({ words }, i) => `${pairs[i]?.remote}: ${words}`).join('; '),
    hint: all.find(({ ok }) => !ok)?.hint,
  };
}

/** Of one other end, as `pairsOf` gives it. */
export function judgePair(site: IkeSite, facts: IkeFacts, last: LastAttempt | undefined, now: number): IkeVerdict {
  const { remote } = site;
  if (facts.silent !== undefined) return { ok: false, words: facts.silent.reason, hint: facts.silent.hint };
  const sealed = sealing(site, facts);
  if (sealed !== undefined) return { ok: true, words: established(remote, sealed) };
  const name = connectionName(site);
  if (!facts.connections.includes(name)) {
    return { ok: false, words: `charon does not have the connection ${name}`, hint: `clear-df tunnel up ${site.file}` };
  }
  const states = ofSite(site, facts.associations).map(({ state }) => state.toLowerCase());
  const open = states.length === 0 ? 'no keys' : `no keys yet (IKE is ${states.join(', ')})`;
  const cause = last === undefined ? fromMessages(site, facts.messages) : { ...last, ago: ago(now - last.at) };
  if (cause === undefined) {
    return { ok: false, words: `${open}; nothing was tried yet: the first frame begins it`, hint: initiate(name) };
  }
  return {
    ok: false,
    words: `${open}: ${cause.words} (${cause.ago})`,
    hint: `${cause.hint}; to try now: ${initiate(name)}`,
  };
}

function established(remote: string, { established: age, children }: IkeAssociation): string {
  const child = children.find(({ state }) => CARRIES.has(state));
  const since = (seconds: number | undefined) => (seconds === undefined ? '' : ` ${ago(seconds * 1000)}`);
  return `established with ${remote}${since(age)}; keys of ESP (${child?.mode.toLowerCase()} mode) made${since(child?.installed)}`;
}

/** How far an attempt gets, by what charon has counted since it started. */
function fromMessages(
  site: IkeSite,
  messages: IkeFacts['messages'],
): { words: string; hint: string; ago: string } | undefined {
  const own = messages.get(connectionName(site));
  const count = (name: string) => own?.get(name) ?? 0;
  const asked = count('ike-init-out-req');
  if (asked === 0) return undefined;
  const said =
    count('ike-init-in-resp') === 0
      ? 'not established after'
      : count('ike-auth-out-req') === 0
        ? 'received NO_PROPOSAL_CHOSEN'
        : count('ike-auth-in-resp') === 0
          ? 'not established after'
          : 'received AUTHENTICATION_FAILED';
  const { words, hint } = whyNot(site, said);
  return { words: `according to charon's counters, ${words}`, hint, ago: `${asked} attempts since charon started` };
}

function initiate(name: string): string {
  return `swanctl --initiate --child ${name} --timeout 10`;
}

/** @param milliseconds since then */
function ago(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}
