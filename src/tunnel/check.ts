/** Whether a site can stand on this machine: everything that is refused before anything changes. Pure. */
import { typeOf } from './types/table.js';
import { carrierOf } from './carriers/table.js';
import { checkEngine } from './check/engine.js';
import { checkInnerCut } from './check/fragment.js';
import { checkNames } from './check/names.js';
import { checkNetworks } from './check/networks.js';
import { checkPorts } from './check/ports.js';
import { checkUnderlay } from './check/underlay.js';
import { type Facts } from './facts.js';
import { type Site } from './site/site.js';

/**
 * Refuses a site that cannot work on the machine, or would take from it what nobody asked for. What a plan can put
 * right, or only has to say, is not here.
 * @throws ClearDfError ENVIRONMENT or CONFLICT that names `FILE:LINE key`, what was found and what to do
 */
export function checkSite(site: Site, facts: Facts): void {
  checkPorts(site, facts);
  checkNetworks(site, facts);
  checkUnderlay(site, facts);
  checkNames(site, facts);
  typeOf(site).check(facts);
  carrierOf(site).check(facts);
  checkInnerCut(site, facts);
  checkEngine(site, facts);
}
