/** Rules and runs of a root whose only capability is CAP_NET_ADMIN: a variant of `rules-rights.test.ts`. */
import { withNetAdminOnly } from '../helpers/rights-suite.js';

withNetAdminOnly('root');
