/** A machine of named values for the steps of a tunnel: it does what it is told, refuses, and dies on demand. */
import { ClearDfError } from '../../src/errors.js';
import type { Machine } from '../../src/host/tunnel/machine.js';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Command, Item } from '../../src/tunnel/item.js';

/** What a process feels that SIGKILL has ended: nothing it does has any effect. */
export class Dead extends Error {}

export class FakeMachine implements Machine {
  /** Commands that were carried out. */
  readonly done: string[] = [];
  /** Dies before (at an even number 2n) or after (2n + 1) its nth command; undefined: never. */
  diesAt: number | undefined;
  /** Commands that fail. */
  readonly refuses = new Set<string>();
  /** Called before each command. */
  before: (command: string) => void = () => undefined;
  #dead = false;
  #count = 0;

  constructor(readonly values: Map<string, string>) {}

  /** The same machine for the next process. */
  reborn(): FakeMachine {
    return new FakeMachine(this.values);
  }

  get facts(): Facts {
    const none = 'unknown' as const;
    return {
      kernel: '6.1.0',
      ...{
        links: [],
        routes: [],
        tableRoutes: [],
        rules: [],

        path: undefined,
        modules: new Set(),
        states: [],
        policies: [],
        tables: [],
      },
      sysctls: new Map(this.values),
      can: { ignoreDf: none, bridgeQueue: none, nftBridgeQueue: none, fastPath: none },
    };
  }

  async look(): Promise<Facts> {
    if (this.#dead) throw new Dead();
    return this.facts;
  }

  async perform({ argv, mayFail }: Command): Promise<{ excuse?: string }> {
    const text = argv.join(' ');
    if (this.#dead) throw new Dead();
    this.before(text);
    const at = this.#count++;
    if (this.diesAt === 2 * at) this.#die();
    if (this.refuses.has(text)) {
      if (mayFail === true) return { excuse: 'refused' };
      throw new ClearDfError({ code: 'RUNTIME', operation: 'run', object: text, reason: 'refused' });
    }
    const [verb, name = '', value = ''] = argv;
    if (verb === 'unset') this.values.delete(name);
    else this.values.set(name, value);
    this.done.push(text);
    if (this.diesAt === 2 * at + 1) this.#die();
    return {};
  }

  #die(): never {
    this.#dead = true;
    throw new Dead();
  }
}

/** A value is so; it takes `steps` commands to make it, through half-made ones. */
export function valueItem(name: string, value: string, steps = 1): Item {
  const set = (text: string): Command => ({ argv: ['set', name, text] });
  return {
    kind: 'value',
    key: `value ${name}`,
    desired: `${name} is ${value}`,
    reason: 'a test wants it',
    status({ sysctls }) {
      const found = sysctls.get(name);
      if (found === value) return { state: 'in-sync' };
      return found === 'foreign'
        ? { state: 'conflict', observed: `${name} is foreign` }
        : { state: 'differs', observed: found === undefined ? 'it is not there' : `it is ${found}` };
    },
    apply: () => Array.from({ length: steps }, (_, i) => set(i === steps - 1 ? value : `half-${i}`)),
    undo({ sysctls }) {
      const before = sysctls.get(name);
      return [before === undefined ? { argv: ['unset', name], mayFail: true } : set(before)];
    },
  };
}
