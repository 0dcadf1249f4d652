/** The options of the process in the foreground of `up`. */
import type { BackendChoice } from '../../host/firewall.js';
import type { LogLevel } from '../../log.js';
import { DEFAULT_LISTEN } from '../../report/listen.js';
import type { ManglerPlan } from '../../tunnel/plan.js';
import type { Site } from '../../tunnel/site/site.js';
import { optionsFor, type ServiceOptions } from '../options.js';

/** What `clear-df run` would be given. */
export function manglerOptions(
  site: Site,
  { rules, backend, gso: split }: ManglerPlan,
  logLevel: LogLevel,
): ServiceOptions {
  const { queues, identification } = site;
  // Nobody asked for the usual address: where another instance has it, this one runs without, and says so.
  const metrics = site.metrics === DEFAULT_LISTEN ? undefined : site.metrics;
  const asked = { queues, rules, identification, gso: split ?? 'auto', metrics, 'log-level': logLevel } as const;
  // Where there is a program, it is an item of the plan.
  return { ...optionsFor({ ...asked, backend: backendOf(backend), 'fast-path': 'off' }), programElsewhere: true };
}

/** Of the two kinds of iptables, `auto` takes the one that is in use here; rules at the bridge prefer them anyway. */
function backendOf(backend: ManglerPlan['backend']): BackendChoice {
  return backend === 'nft' ? 'nft' : 'auto';
}
