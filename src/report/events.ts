/** `/events`: the last hour, then each reading as it is taken, as server-sent events. */
import type { ServerResponse } from 'node:http';
import type { Point, Sampler } from './sampler.js';

/**
 * One more ends the oldest, whose browser asks again. Refused, it would wait for hours behind readers that never read:
 * the kernel's buffers take megabytes before the first of them is seen to stall.
 */
const MAX_STREAMS = 16;
/** Who has not read an event for this long is cut off. Meanwhile nothing more is kept for it. */
const STALL_MS = 10_000;
/** A browser whose stream ended asks again after this long. */
const RETRY_MS = 2000;

export class EventStreams {
  readonly #open = new Set<ServerResponse>();

  constructor(private readonly sampler: Sampler) {}

  /** Sends until the reader or {@link close} ends it. The head has been written. @throws what a reading throws */
  add(response: ServerResponse): void {
    const first = this.sampler.latest();
    const [oldest] = this.#open;
    if (this.#open.size >= MAX_STREAMS && oldest !== undefined) {
      this.#open.delete(oldest);
      oldest.destroy();
    }
    this.#open.add(response);
    let stalledSince: number | undefined;
    const send = (point: Point) => {
      if (!response.writableNeedDrain) {
        stalledSince = undefined;
        response.write(eventOf('point', point));
      } else if (stalledSince === undefined) stalledSince = performance.now();
      else if (performance.now() - stalledSince > STALL_MS) response.destroy();
    };
    const unsubscribe = this.sampler.subscribe(send);
    response.on('close', () => {
      unsubscribe();
      this.#open.delete(response);
    });
    response.on('error', () => undefined);
    response.write(
      `retry: ${RETRY_MS}\n\n${eventOf('history', this.sampler.history.columns())}${eventOf('point', first)}`,
    );
  }

  close(): void {
    for (const response of this.#open) response.end();
  }
}

function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
