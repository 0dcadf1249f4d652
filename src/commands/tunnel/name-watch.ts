/** A running tunnel whose outer addresses are looked up: follows them when they change. */
import { ClearDfError } from '../../errors.js';
import type { Runner } from '../../host/exec.js';
import { locateSite } from '../../host/tunnel/locate.js';
import type { SiteFile } from '../../host/tunnel/open.js';
import type { Logger } from '../../log.js';
import type { OwnCommand } from '../../tunnel/unit-text.js';
import { RuleWatch } from '../rule-watch.js';

/** Milliseconds between two look-ups; the system's resolver keeps answers for as long as they are good. */
const LOOK_UP_MS = 15_000;

interface NameWatchOptions {
  runner: Runner;
  log: Logger;
  own: OwnCommand;
  everyMs?: number;
}

export class NameWatch {
  readonly #watch: RuleWatch;
  /** What an `up` without a queue or a socket goes on for: timers of watches keep no process alive. */
  readonly #alive = setInterval(() => undefined, LOOK_UP_MS);
  #text: string;
  #told: string | undefined;

  constructor(
    private readonly file: string,
    private readonly read: SiteFile,
    private readonly options: NameWatchOptions,
  ) {
    this.#text = read.text.text;
    this.#watch = new RuleWatch(() => this.look(), options.everyMs ?? LOOK_UP_MS);
  }

  stop(): void {
    clearInterval(this.#alive);
    this.#watch.stop();
  }

  /** One look. Never throws: a tunnel goes on with the addresses that it has. */
  async look(): Promise<void> {
    const { runner, log } = this.options;
    try {
      let troubled = false;
      const warn = (words: string) => {
        troubled = true;
        this.#tell(words);
      };
      const now = await locateSite(this.file, { runner, log: { warn } });
      if (!troubled) this.#told = undefined;
      if (now.text.text === this.#text) return;
      if (now.written !== this.read.written) {
        this.#tell(`${this.file} has been edited: addresses are followed again after clear-df tunnel up`);
        return;
      }
      const { name, local, remote } = now.site;
      log.info({ local, remote }, `${lookedUp(now)}: local ${local}, remote ${remote} now; the tunnel follows`);
      await this.#follow();
      this.#text = now.text.text;
      log.info({ local, remote }, `tunnel ${name} is up from ${local} to ${remote}`);
    } catch (error) {
      if (runner.stop?.aborted === true) return;
      if (!(error instanceof ClearDfError)) throw error;
      this.#tell(`the tunnel stays as it is, and it will be tried again: ${error.message}`);
    }
  }

  /** By the command that an operator would type: what has to be locked, judged and rolled back is there. */
  async #follow(): Promise<void> {
    const { runner, own } = this.options;
    const words = ['tunnel', 'up', '--setup-only', this.file];
    if (own.node === undefined) await runner.change(own.script, words);
    else await runner.change(own.node, [...process.execArgv, own.script, ...words]);
  }

  #tell(words: string): void {
    if (words !== this.#told) this.options.log.warn(words);
    this.#told = words;
  }
}

/** `remote gw.example` */
export function lookedUp({ site }: Pick<SiteFile, 'site'>): string {
  return (site.lookedUp ?? []).map(({ key, value }) => `${key} ${value}`).join(', ');
}
