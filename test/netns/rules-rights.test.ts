/** Rules and runs of a user who has CAP_NET_ADMIN and nothing else; `rules-rights.more.ts`: of such a root. */
import { withNetAdminOnly } from '../helpers/rights-suite.js';

withNetAdminOnly('nobody');
