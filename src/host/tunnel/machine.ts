/** The machine as the tunnel's steps see it: facts that are read again after each change, and commands. */
import type { Facts } from '../../tunnel/facts.js';
import type { Command } from '../../tunnel/item.js';
import type { Subject } from '../../tunnel/wanted.js';
import { readFacts, rereadFacts, type Section, SECTIONS } from '../facts.js';
import type { Tried } from '../probes.js';
import type { Runner } from '../exec.js';
import { perform, type Performed } from './perform.js';
import { changedBy } from './reread.js';

export interface Machine {
  /** As they were read last. */
  readonly facts: Facts;
  /** @throws ClearDfError of the command */
  perform(command: Command): Promise<Performed>;
  /** Reads again what commands since the last reading can have changed; or all of it; or these sections alone. */
  look(what?: 'all' | readonly Section[]): Promise<Facts>;
}

/** This machine, read for the first time, with what it can do. */
export async function openMachine(
  runner: Runner,
  subject: Subject | undefined,
  log: { debug(message: string): void },
  can?: Tried,
): Promise<Machine> {
  let facts = await readFacts(runner, subject, can);
  let since: Command[] = [];
  return {
    get facts() {
      return facts;
    },
    perform(command) {
      since.push(command);
      return perform(runner, command, log);
    },
    async look(what) {
      const named = typeof what === 'object';
      const sections = named ? new Set(what) : what === 'all' ? new Set(SECTIONS) : changedBy(since);
      if (!named) since = [];
      return (facts = sections.size === 0 ? facts : await rereadFacts(runner, facts, subject, sections));
    },
  };
}
