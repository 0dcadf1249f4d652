/** All contenders, by the order of the catalogue. */
import type { ContenderName } from '../record/catalogue.js';
import { article } from './article.js';
import { clearDfs } from './clear-df.js';
import type { Contender } from './contender.js';
import { floors } from './floor.js';
import { nft } from './nft.js';
import { none } from './none.js';
import { npmNfqueue } from './npm-nfqueue.js';
import { prefilter } from './prefilter.js';

const ALL: readonly Contender[] = [none, prefilter, nft, ...floors, ...clearDfs, article, npmNfqueue];

/** The contender of that name. */
export function contender(name: ContenderName): Contender {
  const found = ALL.find((one) => one.name === name);
  if (found === undefined) throw new Error(`contender ${name} stands in the catalogue and has no file`);
  return found;
}
