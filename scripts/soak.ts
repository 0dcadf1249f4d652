/**
 * A run of clear-df under everything that a router's day brings, by turns, for as long as is asked:
 *
 *   npm run soak -- --minutes 60
 *
 * Floods of 64, 200 and 1400 bytes, TCP, signals, links that go down, rules that are flushed, tools that fail or hang, a
 * second run that comes and goes; all in network namespaces of its own. It ends with the ledger and with what the run
 * holds in memory. Exit code 1 when the ledger does not close to the last packet, memory has grown by more than 5 %, or
 * a line in the log is not explained by what was done just then; 2 wrong usage, 3 without root.
 */
import { parseArgs } from 'node:util';
import { columns } from '../src/report/table.js';
import { lastWord } from '../test/helpers/ledger.js';
import { queues } from '../test/helpers/kernel.js';
import { flooded, startFlood } from '../test/helpers/traffic.js';
import { type Account, accountOf, type Books, discrepancies, readBooks } from './soak/books.js';
import { least, readResident, type Resident } from './soak/memory.js';
import { BRIDGED, passed, remains, soakNetwork } from './soak/network.js';
import { type SoakTurn, TURNS } from './soak/turns.js';
import { visit } from './soak/visitor.js';
import { begin, type World } from './soak/world.js';

/** What may come to the memory of an early round in all later ones. */
const GROWTH = 0.05;
const LEAST_ROUNDS = 2;

class Soak {
  readonly #wrong: string[] = [];
  readonly #unexplained: string[] = [];
  readonly #accounts = new Map<string, Account>();
  readonly #rounds: Resident[] = [];
  #readings: Resident[] = [];
  #books: Books | undefined;

  constructor(private readonly world: World) {}

  async round(number: number): Promise<void> {
    this.world.round = number;
    this.#readings = [];
    this.#books ??= await this.#readBooks();
    for (const turn of TURNS) await this.#turn(turn);
    await this.#visit();
    this.#rounds.push(least(this.#readings));
  }

  async #readBooks(): Promise<Books> {
    return readBooks(this.world.net, this.world.daemon);
  }

  async #turn(turn: SoakTurn): Promise<void> {
    const { net, log, daemon } = this.world;
    const before = this.#books as Books;
    let sent = await turn.run(this.world);
    await this.#readBooks();
    // Losses show as gaps in the packet numbers: one more packet closes the last gap.
    sent += (await flooded(await startFlood(net.client, { destination: BRIDGED, length: 64, count: 1 }))).sent;
    const now = await this.#readBooks();
    const { withoutRules = false, linksDown = false, notOnlyFlood = false, expected = [] } = turn;
    const wrong = discrepancies(before, now, { sent, withoutRules, linksDown, wire: !notOnlyFlood });
    this.#judge(turn.name, wrong, log.judge(expected));
    this.#add(turn.name, difference(accountOf(now), accountOf(before)));
    this.#books = now;
    this.#readings.push(await readResident(net.router, daemon.running.pid));
  }

  async #visit(): Promise<void> {
    const before = this.#books as Books;
    const { wrong, unexplained, came, cleared } = await visit(this.world);
    const now = await this.#readBooks();
    const found = discrepancies(before, now, { sent: 0, withoutRules: false, linksDown: false, wire: false });
    const words = `a second run, TERM in a flood: ${came} came, ${cleared} cleared`;
    this.#judge(words, [...wrong, ...found], [...unexplained, ...this.world.log.judge([])]);
    this.#books = now;
  }

  #judge(name: string, wrong: readonly string[], unexplained: readonly string[]): void {
    const verdict = wrong.length + unexplained.length === 0 ? 'closes' : [...wrong, ...unexplained].join('\n    ');
    console.log(`${new Date().toISOString().slice(11, 19)}  ${name}: ${verdict}`);
    this.#wrong.push(...wrong.map((words) => `${name}: ${words}`));
    this.#unexplained.push(...unexplained.map((line) => `${name}: ${line}`));
  }

  #add(name: string, account: Account): void {
    const before = this.#accounts.get(name);
    this.#accounts.set(name, before === undefined ? account : difference(before, account, -1));
  }

  /** Ends the run, and prints all. @returns whether it is as it should be */
  async end(rounds: number, minutes: number): Promise<boolean> {
    const { net, daemon, log } = this.world;
    const books = this.#books as Books;
    const { exitCode } = await daemon.stop();
    const last = lastWord(daemon.running);
    const expect = (what: string, left: number, right: number): void => {
      if (left !== right) this.#wrong.push(`the end: ${what}: ${left}, and not ${right}`);
    };
    expect('exit code', exitCode ?? -1, 0);
    for (const name of ['packets', 'verdicts', 'leaked', 'overrun'] as const) {
      expect(`${name} in the last line`, last[name], books.totals[name]);
    }
    expect('packets that lines tell of as leaked', log.told('leaking'), last.leaked);
    expect('packets that lines tell of as overload', log.told('overload'), last.overload);
    expect('queues that are held', (await queues(net.router)).length, 0);
    this.#wrong.push(...(await remains(net.router)).map((what) => `the end: left behind: ${what}`));
    this.#unexplained.push(...log.judge([]).map((line) => `the end: ${line}`));

    console.log(`\n${minutes.toFixed(1)} minutes, ${rounds} rounds, packets:\n${this.#table(accountOf(books))}`);
    const grown = this.#memory();
    for (const words of this.#wrong) console.log(`does not close: ${words}`);
    for (const line of this.#unexplained) console.log(`unexplained: ${line}`);
    console.log(`${this.#wrong.length} sums do not close, ${this.#unexplained.length} log lines are unexplained`);
    return this.#wrong.length + this.#unexplained.length === 0 && !grown;
  }

  #table(all: Account): string {
    const rows = [...this.#accounts, ['all', all] as const];
    const heads = ['', ...Object.keys(all)].map((text) => ({ text }));
    return columns([heads, ...rows.map(([name, row]) => [name, ...Object.values(row).map(String)].map(cell))]);
  }

  /** Prints what it holds, the least of each round's readings. @returns whether it has grown too much */
  #memory(): boolean {
    // For some minutes V8 still compiles what is run for the first time: a sixth of the rounds, where there are as many.
    const start = Math.ceil(this.#rounds.length / 6 - 1);
    const [first, last] = [this.#rounds[start] as Resident, this.#rounds.at(-1) as Resident];
    const row = ({ resident, own, peak }: Resident, round: number) =>
      [`round ${round + 1}`, ...[resident, own, peak].map((mib) => mib.toFixed(1))].map(cell);
    const heads = ['memory, MiB', 'resident', 'its own', 'peak so far'].map(cell);
    console.log(`\n${columns([heads, ...this.#rounds.map(row)])}`);
    const growth = last.resident / first.resident - 1;
    console.log(`grown by ${percent(growth)} since round ${start + 1}; ${percent(GROWTH)} may be\n`);
    return growth > GROWTH;
  }
}

const cell = (text: string): { text: string } => ({ text });
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function difference(now: Account, before: Account, sign = 1): Account {
  const names = Object.keys(now) as (keyof Account)[];
  return Object.fromEntries(names.map((name) => [name, now[name] - sign * before[name]])) as unknown as Account;
}

async function soak(minutes: number): Promise<boolean> {
  const net = await soakNetwork();
  await using _ = net.lab;
  const world = await begin(net);
  try {
    const soak = new Soak(world);
    const started = performance.now();
    const passedMinutes = (): number => (performance.now() - started) / 60_000;
    let rounds = 0;
    while (rounds < LEAST_ROUNDS || passedMinutes() < minutes) await soak.round((rounds += 1));
    return await soak.end(rounds, passedMinutes());
  } catch (error) {
    console.error(world.daemon.running.stderr.split('\n').slice(-30).join('\n'));
    console.error(JSON.stringify(await passed(net.router).catch(() => undefined)));
    throw error;
  } finally {
    await world.tools.remove();
  }
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`soak: --minutes ${values.minutes} is not accepted; expected a number above 0`);
  process.exit(2);
}
if (process.getuid?.() !== 0) {
  console.error('soak: it builds network namespaces, which needs root: run it as root, for example with sudo');
  process.exit(3);
}
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  // The lab's own handler of 'exit' removes the namespaces.
  process.once(signal, () => process.exit(128 + number));
}
try {
  process.exitCode = (await soak(minutes)) ? 0 : 1;
} catch (error) {
  console.error(`soak: ${(error as Error).stack}`);
  process.exitCode = 1;
}
