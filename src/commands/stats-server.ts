/** The address of the status page, `/metrics` and `/stats` during a run, and how it moves. */
import { ClearDfError } from '../errors.js';
import type { Logger } from '../log.js';
import type { StatsServer } from '../report/http.js';
import { type Listen, urlOf } from '../report/listen.js';
import { Sampler } from '../report/sampler.js';
import type { Snapshot } from '../report/snapshot.js';

/** Serves at one address at a time, or at none. */
export class StatsAddress {
  readonly #log: Logger;
  readonly #take: () => Snapshot;
  /** Goes on where the address moves: the status page keeps its last hour. */
  readonly #sampler: Sampler;
  #server: StatsServer | undefined;
  #listen: Listen | 'off' = 'off';

  constructor(log: Logger, take: () => Snapshot) {
    this.#log = log;
    this.#take = take;
    this.#sampler = new Sampler(take, (error) => {
      log.warn({ reason: String(error) }, 'the statistics of the last seconds could not be read');
    });
  }

  /**
   * Serve at `listen` from now on, and no longer where it was before.
   * @param asked whether a person asked for this address; the default one is done without when it is taken
   * @throws ClearDfError as `serveStats`; then the address before stays
   */
  async move(listen: Listen | 'off', asked: boolean): Promise<void> {
    if (this.#server !== undefined && JSON.stringify(listen) === JSON.stringify(this.#listen)) return;
    // An address and all addresses cannot be had at once with the same port.
    const same = listen !== 'off' && this.#listen !== 'off' && listen.port === this.#listen.port && listen.port !== 0;
    const server = same ? await this.#exchange(listen, asked) : await this.#openNext(listen, asked);
    this.#server = server;
    this.#listen = listen;
    if (server === undefined) this.#sampler.stop();
    else this.#sampler.start();
    if (server !== undefined)
      this.#log.info({ metrics: server.url }, `statistics at ${server.url}/, /metrics and /stats`);
  }

  async #openNext(listen: Listen | 'off', asked: boolean): Promise<StatsServer | undefined> {
    const server = listen === 'off' ? undefined : await this.#open(listen, asked);
    await this.#server?.close();
    return server;
  }

  /** The one before goes first; it comes back when the next one cannot be had. */
  async #exchange(listen: Listen, asked: boolean): Promise<StatsServer | undefined> {
    const before = this.#server === undefined ? undefined : this.#listen;
    await this.#server?.close();
    this.#server = undefined;
    try {
      return await this.#open(listen, asked);
    } catch (error) {
      if (before !== undefined && before !== 'off') this.#server = await this.#open(before, false);
      throw error;
    }
  }

  async #open(listen: Listen, asked: boolean): Promise<StatsServer | undefined> {
    // Here, and not at the first scrape: what a run holds is known when it has started.
    const { serveStats } = await import('../report/http.js');
    try {
      const onError = (error: unknown) => {
        this.#log.warn({ metrics: urlOf(listen), reason: String(error) }, 'statistics could not be sent');
      };
      return await serveStats(listen, this.#take, onError, this.#sampler);
    } catch (error) {
      if (asked || !(error instanceof ClearDfError)) throw error;
      const hint = 'give this run its own --metrics ADDR:PORT, or --metrics off';
      this.#log.warn({ metrics: urlOf(listen), hint }, `no statistics are served: ${error.message}`);
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#sampler.stop();
    await this.#server?.close();
    this.#server = undefined;
  }
}
