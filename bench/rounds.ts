/** The rounds of a run: every load, and under each the contenders in an order that is drawn anew. */
import { contender as contenderOf } from './contenders/table.js';
import type { Network } from './lab/network.js';
import { shuffled } from './lab/shuffled.js';
import { runCell } from './loads/cell.js';
import type { Outcome } from './loads/spent.js';
import { survived } from './loads/survived.js';
import { type ContenderName, type Load, survivedName } from './record/catalogue.js';
import { packetsPerSecond } from './record/measures.js';
import type { Cell, Latency } from './record/results.js';

interface RoundsOptions {
  rounds: number;
  seconds: number;
  loads: readonly Load[];
  contenders: ReadonlySet<ContenderName>;
}

interface RoundsEvents {
  onCell: (cell: Cell) => void;
  /** A cell that could not be run: the others go on. */
  onFailure: (where: string, error: unknown) => void;
}

/** Above what its processor time allows, nobody survives. */
const BEYOND = 1.3;
/** Packets a second that are worth a try in any case. */
const LEAST = 20_000;
/** Bytes of a full segment. */
const SEGMENT = 1448;

/** Runs them all; what each cell brought is told at once. */
export async function runRounds(network: Network, options: RoundsOptions, events: RoundsEvents): Promise<void> {
  for (let round = 1; round <= options.rounds; round++) {
    /** Packets a second that each can take, by load and contender, as this round has seen it. */
    const capacity = new Map<string, number>();
    for (const load of options.loads) {
      const names = load.contenders.filter((name) => options.contenders.has(name));
      for (const name of shuffled(names)) {
        const contender = contenderOf(name);
        const tell = (outcome: Outcome & { latency?: Latency }, as = load.name): Cell => {
          const cell = { load: as, contender: name, round, ...outcome };
          events.onCell(cell);
          return cell;
        };
        try {
          const rate = rateOf(load, name, capacity);
          const cell = tell(await runCell(network, contender, load, rate, options.seconds));
          if (load.kind === 'datagrams' && load.latency !== undefined) continue;
          const best =
            cell.ended === undefined
              ? cell
              : tell(await survived(network, contender, load, tooMuch(cell), options.seconds), survivedName(load.name));
          capacity.set(`${load.name} ${name}`, packetsPerSecond(best) ?? 0);
        } catch (error) {
          events.onFailure(`${load.name}, ${name}, round ${round}`, error);
        }
      }
    }
  }
}

/** The rate that a load asks for. @throws Error when what it is a share of is not known */
function rateOf(load: Load, name: string, capacity: ReadonlyMap<string, number>): number {
  if (load.kind !== 'datagrams' || load.latency === undefined || load.latency.percent === 'full') return 0;
  const { percent, of } = load.latency;
  const whole = capacity.get(`${of} ${name}`);
  if (whole === undefined || whole === 0) throw new Error(`it is not known what ${name} can take under ${of}`);
  return Math.max(1, Math.round((whole * percent) / 100));
}

/** A rate that a contender which ended cannot keep up with: packets a second, of a stream bytes. */
function tooMuch({ cpu, datagrams, stream }: Cell): number {
  const answered = datagrams?.handled ?? stream?.answered ?? 0;
  // Held up at once, it has shown nothing.
  const packets = Math.max(LEAST, cpu.contender === undefined ? 0 : (BEYOND * answered) / cpu.contender);
  return stream === undefined ? packets : packets * SEGMENT;
}
