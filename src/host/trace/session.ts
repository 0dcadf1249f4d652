/** One trace on this machine, from its marks to what it leaves: nothing. */
import type { Flow, TunnelEnds } from '../../trace/flow.js';
import { LegacyVisits } from '../../trace/legacy-visits.js';
import { parseNflog } from '../../trace/nflog.js';
import { NftVisits } from '../../trace/nft-visits.js';
import { tableOf, type Tracer } from '../../trace/tag.js';
import type { Runner } from '../exec.js';
import { thisProcess } from '../process.js';
import { readSysctl } from '../sysctl.js';
import { OwnJournal } from './journal.js';
import { LOGGER, settleJournal } from './left-over.js';
import { legacyTables, type Marking, putMarks, takeMarksAway } from './marks.js';
import { type Reader, readNflog, readNft } from './reader.js';
import { readRulebook } from './rulebook.js';

/** This process, as its marks name it. */
export function thisTracer(): Tracer {
  const { pid, started = 0 } = thisProcess();
  return { pid, started };
}

interface SessionOptions {
  flow: Flow;
  marking: Marking;
  tunnels: readonly TunnelEnds[];
  /** Of a device by its number. */
  nameOf: (device: number) => string;
  /** Hears of every line or packet that was read. */
  onEvent: () => void;
  warn: (words: string) => void;
}

/** Marks are in place and all is being read once {@link Session.start} has resolved. */
export class Session {
  #nft: NftVisits | undefined;
  #legacy: LegacyVisits | undefined;
  #readers: Reader[] = [];
  #warn: (words: string) => void = () => undefined;

  private constructor(
    private readonly runner: Runner,
    private readonly journal: OwnJournal,
  ) {}

  /**
   * @throws ClearDfError when marks or readers cannot be had; everything is put back then
   */
  static async start(runner: Runner, options: SessionOptions): Promise<Session> {
    const session = new Session(runner, OwnJournal.take());
    try {
      await session.#begin(options);
      return session;
    } catch (error) {
      // What went wrong first is what the person has to read; what stays behind, the next trace takes away.
      await session.end().catch(() => undefined);
      throw error;
    }
  }

  get nftVisits() {
    return this.#nft?.visits ?? [];
  }

  get legacyVisits() {
    return this.#legacy?.visits ?? [];
  }

  async #begin({ flow, marking, tunnels, nameOf, onEvent, warn }: SessionOptions): Promise<void> {
    const tracer = thisTracer();
    this.#warn = warn;
    await putMarks(this.runner, marking, tracer, flow, tunnels);
    const book = await readRulebook(this.runner);
    if (marking.by === 'nft') {
      const visits = (this.#nft = new NftVisits(book, tableOf(tracer)));
      await this.#read(
        readNft((line) => {
          visits.push(line);
          onEvent();
        }, this.runner.stop),
      );
    }
    if (legacyTables().length === 0) return;
    const visits = (this.#legacy = new LegacyVisits(book, nameOf));
    const logger = readSysctl(LOGGER);
    this.journal.update({ ...(logger === undefined ? {} : { logger }) });
    const read = this.#read(
      readNflog((packet) => {
        const event = parseNflog(packet);
        if (event !== undefined) visits.push(event);
        onEvent();
      }, this.runner.stop),
    );
    if (marking.by === 'iptables-legacy') return read;
    await read.catch((error: Error) => warn(`the tables of iptables-legacy: ${error.message}`));
  }

  async #read(reader: Reader): Promise<void> {
    this.#readers.push(reader);
    this.journal.update({ readers: this.#readers.map(({ identity }) => identity).filter(({ pid }) => pid > 0) });
    await reader.ready;
  }

  /** No packet is marked any more; what was is still being read. */
  async unmark(): Promise<void> {
    const own = thisTracer();
    await takeMarksAway(this.runner, ({ pid, started }) => pid === own.pid && started === own.started);
  }

  /** Takes everything away. */
  async end(): Promise<void> {
    await this.unmark();
    const gone = await Promise.all(this.#readers.map((reader) => reader.stop()));
    for (const words of gone) if (words !== undefined) this.#warn(words);
    await settleJournal(this.runner, { ...this.journal.data, readers: [] });
    this.journal.remove();
  }
}
