/** Whether the two ends of a site have keys from IKE, and why not. */
import { judgeIke } from '../tunnel/carriers/ike/judge.js';
import { withIke } from '../tunnel/carriers/ike/names.js';
import { remotesOf, type Site } from '../tunnel/site/site.js';
import { checkOf, type Finding } from './finding.js';
import { upCommand } from './fix.js';
import type { Machine } from './machine.js';

export function examineIke({ ike }: Machine, site: Site): Finding[] {
  const keyed = withIke(site);
  if (keyed === undefined || ike === undefined) return [];
  const check = checkOf('site', 'ike');
  const what = `keys from IKE with ${remotesOf(site).join(', ')}`;
  if ('unknown' in ike) return [check.unread(what, ike)];
  const { facts, last, at } = ike.known;
  const { ok, words, hint } = judgeIke(keyed, facts, last, at);
  if (ok) return [check.ok(what, words)];
  // A command, or a sentence.
  const command = hint !== undefined && /^(apt-get|systemctl) /.test(hint);
  const mend = command ? { fix: hint } : { hint: hint ?? upCommand(site) };
  return [check.wrong(what, words, mend)];
}
