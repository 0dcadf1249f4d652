/** A running tunnel whose underlay another program looks after: says when that goes, comes back, or has another MTU. */
import { ClearDfError } from '../../errors.js';
import type { Runner } from '../../host/exec.js';
import { rereadFacts } from '../../host/facts.js';
import type { Logger } from '../../log.js';
import { checkUnderlay } from '../../tunnel/check/underlay.js';
import type { Facts } from '../../tunnel/facts.js';
import { tunnelSizes } from '../../tunnel/tunnel-sizes.js';
import type { Site } from '../../tunnel/site/site.js';
import type { Sizes } from '../../tunnel/sizes.js';
import { RuleWatch } from '../rule-watch.js';

/** Milliseconds between two looks at the device: one `ip` each. */
const UNDERLAY_CHECK_MS = 5000;
/** Every so many looks the routes are looked at, too, although the device is as it was. */
const THOROUGH = 6;

interface UnderlayWatchOptions {
  runner: Runner;
  log: Logger;
  /** As the tunnel was planned. */
  facts: Facts;
  everyMs?: number;
}

/** Changes nothing: the routing table finds a device again when it comes back. */
export class UnderlayWatch {
  readonly #runner: Runner;
  readonly #log: Logger;
  readonly #watch: RuleWatch;
  #facts: Facts;
  #looks = 0;
  /** The device as `ip` showed it; undefined before the first look, empty when it was not there. */
  #shown: string | undefined;
  #problem: string | undefined;
  #blind = false;
  #sizes: Sizes;

  constructor(
    private readonly site: Site,
    { runner, log, facts, everyMs = UNDERLAY_CHECK_MS }: UnderlayWatchOptions,
  ) {
    this.#runner = runner;
    this.#log = log;
    this.#facts = facts;
    this.#sizes = tunnelSizes(site, facts);
    this.#watch = new RuleWatch(() => this.look(), everyMs);
  }

  stop(): void {
    this.#watch.stop();
  }

  /** One look. Never throws: a tunnel goes on without being watched. */
  async look(): Promise<void> {
    try {
      await this.#look();
      this.#blind = false;
    } catch (error) {
      if (this.#runner.stop?.aborted !== true) this.#tellBlind((error as Error).message);
    }
  }

  async #look(): Promise<void> {
    const shown = await this.#show();
    const before = this.#shown;
    const same = shown === before && this.#problem === undefined;
    this.#looks += 1;
    if (same && this.#looks % THOROUGH !== 0) return;
    this.#shown = shown;
    this.#facts = await rereadFacts(this.#runner, this.#facts, this.site, new Set(['links', 'paths']));
    const problem = problemOf(this.site, this.#facts);
    if (problem !== undefined) return this.#tell(problem);
    this.#tellBack(before, shown);
    this.#tellSizes();
  }

  /** The device with its addresses, without its lifetimes, which count down. */
  async #show(): Promise<string> {
    try {
      const text = await this.#runner.query('ip', ['-j', 'address', 'show', 'dev', this.site.underlay]);
      return text.replace(/"(valid|preferred)_life_time":\d+/g, '');
    } catch (error) {
      if (error instanceof ClearDfError && error.code === 'RUNTIME') return '';
      throw error;
    }
  }

  #tellBlind(reason: string): void {
    const { underlay } = this.site;
    if (!this.#blind) this.#log.warn({ underlay }, `${underlay} cannot be looked at, and will be tried: ${reason}`);
    this.#blind = true;
  }

  #tell(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const { remote, underlay } = this.site;
    this.#log.warn({ underlay }, `${remote} is unreachable: ${problem}`);
  }

  #tellBack(before: string | undefined, shown: string): void {
    const { underlay, remote } = this.site;
    const [was, is] = [before, shown].map((text) => /"ifindex":(\d+)/.exec(text ?? '')?.[1]);
    const how = `${underlay}, MTU ${this.#facts.path?.mtu}`;
    if (this.#problem !== undefined) this.#log.info({ underlay }, `the path to ${remote} is back: through ${how}`);
    else if (was !== undefined && was !== is) {
      this.#log.info({ underlay }, `${underlay} was gone for a moment and is back; the route to ${remote} uses ${how}`);
    }
    this.#problem = undefined;
  }

  #tellSizes(): void {
    const before = this.#sizes;
    this.#sizes = tunnelSizes(this.site, this.#facts);
    const [was, is] = [before, this.#sizes].map(({ wire }) => wire.map(({ length }) => length).join(' + '));
    if (was === is) return;
    const { underlay } = this.site;
    this.#log.warn(
      { underlay, mtu: this.#sizes.pathMtu },
      `${underlay} now carries ${this.#sizes.pathMtu} bytes, before ${before.pathMtu}: a host's packet of ` +
        `${this.#sizes.inner} bytes becomes ${is}, no longer ${was}` +
        (this.#sizes.inside === undefined ? '' : `, once clear-df tunnel down and up have sized the pieces anew`),
    );
  }
}

/** What stands between this machine and the other end, as far as it knows. */
export function problemOf(site: Site, facts: Facts): string | undefined {
  try {
    checkUnderlay(site, facts);
    return undefined;
  } catch (error) {
    if (error instanceof ClearDfError) return error.reason;
    throw error;
  }
}
