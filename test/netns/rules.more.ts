/** `clear-df rules` by iptables-legacy beside other people's rules: the variant of what `rules.test.ts` shows by nft. */
import { besideOthers } from '../helpers/rules-suite.js';

besideOthers('iptables-legacy');
