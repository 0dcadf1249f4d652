/** What the steps of a tunnel work with, whichever way they go. */
import type { Facts } from '../../tunnel/facts.js';
import type { Command, Item } from '../../tunnel/item.js';
import type { Former } from './former.js';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import type { Others } from './shared.js';

/** Where progress is logged. */
export interface TunnelLogger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface Steps {
  machine: Machine;
  journal: Journal;
  /** Of the other tunnels of this network namespace; default: there is none. */
  others?: Others;
  log: TunnelLogger;
  /** Why to stop before the next command: `SIGTERM`; undefined to go on. */
  stopping: () => string | undefined;
  /** What the tunnel is up from, where that is another version of its file; default: the same. */
  former?: Former | undefined;
  /** The machine without the tunnel; default: not known. */
  origin?: Facts | undefined;
}

/** A change that this run has made, or begun. */
export interface Change {
  item: Item;
  /** To how this run found it; the journal's undo leads back to before the first run. */
  undo: Command[];
  /** How this run found it. */
  observed: string;
  /** Whether the journal has known it before. */
  known: boolean;
}
