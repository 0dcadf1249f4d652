/** What `npm run bench` is asked for. */
import { parseArgs } from 'node:util';
import { type ContenderName, CONTENDERS, type Load, LOADS } from './record/catalogue.js';

export interface Asked {
  mode: 'run' | 'model' | 'check' | 'program' | 'page';
  rounds: number;
  seconds: number;
  loads: readonly Load[];
  contenders: ReadonlySet<ContenderName>;
  /** Where the results go; undefined for the usual place. */
  out: string | undefined;
  /** Every load and contender, and rounds enough for a median: good for the documents. */
  complete: boolean;
}

export const USAGE = `npm run bench -- [--rounds N] [--seconds S] [--load NAME]… [--contender NAME]… [--out FILE]
npm run bench -- --model [--rounds N] [--seconds S] [--out FILE]
npm run bench -- --check [--contender NAME]…
npm run bench -- --program [--seconds S]
npm run bench -- --page

--rounds N         how often everything is measured: 1-100, default 5
--seconds S        how long each load is sent: 0.5-3600, default 3
--load NAME        only this: ${LOADS.map(({ name }) => name).join(', ')}
--contender NAME   only this: ${CONTENDERS.map(({ name }) => name).join(', ')}
--out FILE         where the results go, and nothing else is written
--model            the measurements that docs/scale.md is made of; default 3 rounds of 1 s
--check            is every packet there, whole, in order and rightly cleared? No figures.
--program          nanoseconds a packet of the fast path's program, by the kernel's own account
--page             makes docs/bench.md and docs/scale.md anew of the newest results
`;

/** Rounds that the documents are content with. */
const ENOUGH_ROUNDS = 5;
/** Of the model, which has many points for each of its costs. */
const MODEL_ROUNDS = 3;

/** A word that is not accepted. */
export class BadArgument extends Error {}

/** Reads the command line. @throws BadArgument that names the flag, the value and the accepted form */
export function readArguments(words: readonly string[]): Asked {
  const { values } = parse(words);
  const wanted = named('--load', values.load, LOADS);
  const contenders = named('--contender', values.contender, CONTENDERS).map(({ name }) => name);
  const model = values.model;
  const rounds = number('--rounds', values.rounds, model ? MODEL_ROUNDS : 5, [1, 100]);
  if (!Number.isInteger(rounds)) throw new BadArgument(`--rounds ${rounds} is not accepted; expected a whole number`);
  const part = values.load !== undefined || values.contender !== undefined;
  if (model && part) throw new BadArgument('--load and --contender are not accepted with --model, which needs all');
  const whole = wanted.length === LOADS.length && contenders.length === CONTENDERS.length;
  return {
    mode: model ? 'model' : values.check ? 'check' : values.program ? 'program' : values.page ? 'page' : 'run',
    rounds,
    seconds: number('--seconds', values.seconds, model ? 1 : 3, [0.5, 3600]),
    loads: withBases(wanted),
    contenders: new Set(contenders),
    out: values.out,
    complete: whole && rounds >= (model ? MODEL_ROUNDS : ENOUGH_ROUNDS),
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        load: { type: 'string', multiple: true },
        contender: { type: 'string', multiple: true },
        out: { type: 'string' },
        model: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        program: { type: 'boolean', default: false },
        page: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new BadArgument((error as Error).message, { cause: error });
  }
}

function number(flag: string, text: string | undefined, initial: number, [min, max]: [number, number]): number {
  const value = text === undefined ? initial : Number(text);
  if (text === '' || !(value >= min && value <= max)) {
    throw new BadArgument(`${flag} '${text}' is not accepted; expected ${min}-${max}`);
  }
  return value;
}

function named<T extends { name: string }>(flag: string, names: string[] | undefined, all: readonly T[]): T[] {
  for (const name of names ?? []) {
    if (all.some((one) => one.name === name)) continue;
    throw new BadArgument(
      `${flag} '${name}' is not accepted; expected one of ${all.map((one) => one.name).join(', ')}`,
    );
  }
  return all.filter(({ name }) => names === undefined || names.includes(name));
}

/** A load at a share of what another has shown needs that one. */
function withBases(wanted: readonly Load[]): Load[] {
  const bases = wanted.flatMap((load) => (load.kind === 'datagrams' && load.latency ? [load.latency.of] : []));
  return LOADS.filter((load) => wanted.includes(load) || bases.includes(load.name));
}
