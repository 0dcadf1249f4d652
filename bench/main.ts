/**
 * Ways to clear DF, side by side on this machine's own kernel, in private namespaces: `npm run bench`. See
 * docs/bench.md for what the figures mean; `--help` for the flags.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Asked, BadArgument, readArguments, USAGE } from './arguments.js';
import { check, describe } from './check.js';
import { contender as contenderOf } from './contenders/table.js';
import { pin, planCores } from './lab/cores.js';
import { commit, machineFacts } from './lab/facts.js';
import { network } from './lab/network.js';
import { CACHE } from './lab/programs.js';
import { runModelRounds } from './model/rounds.js';
import { cellText, pointText } from './page/line.js';
import { modelName, resultsName, RESULTS, writePage } from './page/write.js';
import { type ContenderName, CONTENDERS } from './record/catalogue.js';
import { MODEL_FORMAT, type ModelResults, modelText } from './record/model.js';
import { FORMAT, type Results, resultsText } from './record/results.js';
import { measureProgram } from './program.js';
import { runRounds } from './rounds.js';

/** Of any contender. */
const MOST_QUEUES = 4;

/** The contenders that can be had here; what cannot is named with its reason. */
async function prepared(names: ReadonlySet<ContenderName>): Promise<Set<ContenderName>> {
  const found = new Set<ContenderName>();
  for (const name of names) {
    try {
      await contenderOf(name).process?.command();
      found.add(name);
    } catch (error) {
      console.error(`bench: goes on without ${name}: ${(error as Error).message}`);
    }
  }
  return found;
}

async function runChecks({ contenders }: Asked): Promise<number> {
  const net = await network();
  await using lab = net.lab;
  void lab;
  let wrong = 0;
  for (const name of await prepared(contenders)) {
    const contender = contenderOf(name);
    const found = await check(net, contender);
    wrong += found.length;
    console.log(`${found.length === 0 ? 'right' : 'WRONG'}  ${describe(contender)}`);
    for (const what of found) console.log(`       ${what}`);
  }
  return wrong === 0 ? 0 : 1;
}

/** Writes after each cell, so that a run that is broken off leaves what it has. */
function keep(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

async function run(asked: Asked): Promise<number> {
  const { rounds, seconds, loads } = asked;
  const results: Results = {
    ...{ format: FORMAT, date: new Date().toISOString(), commit: await commit(), machine: await machineFacts() },
    ...{ settings: { rounds, seconds, cores: planCores(MOST_QUEUES) }, cells: [] },
  };
  const contenders = await prepared(asked.contenders);
  const file = asked.out ?? path.join(CACHE, 'results', resultsName(results));
  let failures = 0;
  {
    const net = await network();
    await using lab = net.lab;
    void lab;
    await runRounds(
      net,
      { rounds, seconds, loads, contenders },
      {
        onCell: (cell) => {
          results.cells.push(cell);
          console.log(cellText(cell));
          keep(file, resultsText(results));
        },
        onFailure: (where, error) => {
          failures++;
          console.error(`bench: ${where}: ${error instanceof Error ? error.message : String(error)}`);
        },
      },
    );
  }
  console.error(`bench: wrote ${file}`);
  if (asked.complete && asked.out === undefined && contenders.size === CONTENDERS.length && failures === 0) {
    keep(path.join(RESULTS, resultsName(results)), resultsText(results));
    writePage();
  }
  return failures === 0 ? 0 : 1;
}

async function runModel(asked: Asked): Promise<number> {
  const { rounds, seconds } = asked;
  const results: ModelResults = {
    ...{ format: MODEL_FORMAT, date: new Date().toISOString(), commit: await commit(), machine: await machineFacts() },
    ...{ settings: { rounds, seconds, cores: planCores() }, points: [] },
  };
  const file = asked.out ?? path.join(CACHE, 'results', modelName(results));
  let failures = 0;
  {
    const net = await network();
    await using lab = net.lab;
    void lab;
    await runModelRounds(net, asked, {
      onPoint: (point) => {
        results.points.push(point);
        console.log(pointText(point));
        keep(file, modelText(results));
      },
      onFailure: (where, error) => {
        failures++;
        console.error(`bench: ${where}: ${error instanceof Error ? error.message : String(error)}`);
      },
    });
  }
  console.error(`bench: wrote ${file}`);
  if (asked.complete && asked.out === undefined && failures === 0) {
    keep(path.join(RESULTS, modelName(results)), modelText(results));
    writePage();
  }
  return failures === 0 ? 0 : 1;
}

async function runProgram({ seconds }: Asked): Promise<number> {
  const net = await network();
  await using lab = net.lab;
  void lab;
  for (const line of await measureProgram(net, seconds)) console.log(line);
  return 0;
}

async function main(): Promise<number> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    console.log(USAGE);
    return 0;
  }
  const asked = readArguments(process.argv.slice(2));
  if (asked.mode === 'page') {
    writePage();
    return 0;
  }
  // The lab clears up at the exit of the process, which an unhandled signal would skip.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  await pin(planCores().receiver);
  if (asked.mode === 'model') return runModel(asked);
  if (asked.mode === 'program') return runProgram(asked);
  return asked.mode === 'check' ? runChecks(asked) : run(asked);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error instanceof BadArgument ? `${error.message}\n\n${USAGE}` : String(error)}`);
  process.exitCode = error instanceof BadArgument ? 2 : 1;
}
