/** The plan of a tunnel: everything that `up` will do, and why. */
import type { RuleSpec } from '../rules/spec.js';
import type { Item } from './item.js';
import type { Engine, Site } from './site/site.js';
import type { SocketPlan } from './carriers/carrier.js';
import type { Sizes } from './sizes.js';

/** The mangler that engine nfqueue needs: the options of `clear-df run`. */
export interface ManglerPlan {
  rules: RuleSpec[];
  /** `--backend` */
  backend: 'auto' | 'iptables' | 'nft';
  /** `--gso off`: the kernel splits GSO packets before the queue, because each packet of them is to be cut. */
  gso?: 'off';
}

/** Whether `up` goes on running: something of the plan is no command, but a process's. */
export function staysInForeground({ mangler, socket, site }: Pick<Plan, 'mangler' | 'socket' | 'site'>): boolean {
  return mangler !== undefined || socket !== undefined || site.lookedUp !== undefined;
}

export interface Plan {
  site: Site;
  engine: Engine;
  /** Why this one. */
  engineReason: string;
  /** In the order in which they are made; undone backwards. */
  items: Item[];
  mangler: ManglerPlan | undefined;
  /** What the foreground of `up` holds open, whatever the engine. */
  socket: SocketPlan | undefined;
  sizes: Sizes;
  /** Connectivity that `up` cuts or moves. */
  cuts: string[];
  /** What the person should know. */
  notes: string[];
}
