/**
 * A third site of a VXLAN in the article's network (`article.ts`):
 *
 *     w                      rC                      hC
 *    eth2 ────────────────── eth1    eth0 ────────── eth0
 *   172.17.0.2/24   172.17.0.1/24    no address      10.32.0.112/24, VLAN 10: 10.99.0.3/24
 *
 * rC has its default route through w; the links have MTU 1500.
 */
import type { Article } from './article.js';
import { type Destination, tagHost } from './matrix-sight.js';
import type { Namespace } from './netns.js';

export const ROUTER_C = '172.17.0.1';
const HOST_C = '10.32.0.112';
const TAGGED_C = '10.99.0.3';

/** Makes it; needs the module 8021q. No tunnel is there yet. */
export async function thirdSite({ lab, w }: Article): Promise<{ router: Namespace; destination: Destination }> {
  const [rC, hC] = [await lab.namespace('rC'), await lab.namespace('hC')];
  await lab.link({ at: w, dev: 'eth2', address: '172.17.0.2/24' }, { at: rC, dev: 'eth1', address: `${ROUTER_C}/24` });
  await lab.link({ at: rC, dev: 'eth0' }, { at: hC, dev: 'eth0', address: `${HOST_C}/24` });
  await rC.ip('route', 'add', 'default', 'via', '172.17.0.2');
  await tagHost(hC, TAGGED_C);
  return { router: rC, destination: { host: hC, address: HOST_C, tagged: TAGGED_C, dev: 'eth2' } };
}
