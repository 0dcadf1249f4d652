/** The entry of the single file: the command line, or a part of clear-df that is a process of its own. */
import { createRequire } from 'node:module';
import { runInThisContext } from 'node:vm';
import { SEND } from '../host/probes/nft-clears-df.js';
import { PART } from '../native/single.js';

const [word, name] = process.argv.slice(2);
if (word !== PART) void import('./main.js');
else {
  process.argv.splice(2, 2);
  if (name === 'send') void import('../commands/bench/send.js');
  else (runInThisContext(`(function (require) {${SEND}})`) as (require: NodeJS.Require) => void)(createRequire('/'));
}
