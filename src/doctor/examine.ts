/** All checks, in the order in which they are printed. Pure. */
import type { Site } from '../tunnel/site/site.js';
import { examineBridge } from './bridge.js';
import { type Finding, GROUPS } from './finding.js';
import { examineErspan } from './erspan.js';
import { examineFirewall } from './firewall.js';
import { examineKernel } from './kernel.js';
import { examineLimits } from './limits.js';
import type { Machine } from './machine.js';
import { examineOtherTunnels } from './other-tunnels.js';
import { examinePath } from './path.js';
import { examineQueue } from './queue.js';
import { examineRoutedTunnels } from './routed-tunnels.js';
import { examineSite } from './site.js';
import { examineGretaps } from './gretap.js';

const GENERAL = [
  examineKernel,
  examineQueue,
  examineBridge,
  examineGretaps,
  examineErspan,
  examineOtherTunnels,
  examineRoutedTunnels,
  examinePath,
  examineFirewall,
  examineLimits,
];

/** Every finding about a machine, and about a site on it. */
export function examine(machine: Machine, site?: Site): Finding[] {
  const findings = GENERAL.flatMap((group) => group(machine));
  const all = site === undefined ? findings : [...findings, ...examineSite(machine, site)];
  return all.sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
}
