/**
 * Runs the tiers of tests and closes with one line: `N passed, N failed, N skipped`.
 *
 *   npm test                            every tier, without what takes long
 *   npm test -- unit netns              these tiers
 *   npm run test:all                    all of it: `*.more.ts` as well
 *   npm run test:all -- --rest --minutes 35
 *                                       what `npm test` leaves out, as far as it fits; says what did not
 *
 * Limits follow the machine's speed, measured first. With CI=true a skip that neither the kernel nor the archive
 * excuses is a failure.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { runChecks } from './check.js';
import { inLanes } from './lanes.js';
import { lastSeconds, measureSlowness, rememberSeconds } from './speed.js';
import { isExpected, MOST_LINES, TALLY_FILE, type Tally } from './tally.js';
import { filesOfRest, fuzzTargets, inGroups, type Tier, TIERS } from './tiers.js';

const FUZZ_SECONDS = 5;
const MINUTE = 60_000;
const strict = process.env['CI'] === 'true';
const colour = process.stdout.isTTY ? { bold: '\x1b[1m', off: '\x1b[0m' } : { bold: '', off: '' };

interface Options {
  tiers: readonly Tier[];
  /** Also what takes long. */
  all: boolean;
  /** Only that, until this moment; its files that were not reached are left out. */
  restUntil?: number;
}

function options(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { all: { type: 'boolean' }, rest: { type: 'boolean' }, minutes: { type: 'string' } },
  });
  for (const name of positionals) {
    if (TIERS.some((tier) => tier.name === name)) continue;
    console.error(`test: '${name}' is not a tier; expected some of: ${TIERS.map((tier) => tier.name).join(' ')}`);
    process.exit(2);
  }
  const tiers = positionals.length === 0 ? TIERS : TIERS.filter((tier) => positionals.includes(tier.name));
  const all = values.all === true || values.rest === true;
  if (values.rest !== true) return { tiers, all };
  const minutes = Number(values.minutes ?? 60);
  if (!(minutes > 0)) {
    console.error(`test: --minutes ${values.minutes} is not accepted; expected a number above 0`);
    process.exit(2);
  }
  return { tiers, all, restUntil: Date.now() + minutes * MINUTE };
}

/** Node parses them at each start, which takes it twice as long as all the rest; only what fetches needs them. */
const certificates = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
delete process.env['NODE_EXTRA_CA_CERTS'];

const asked = options();
const slowness = measureSlowness();
const leftOut: string[] = [];

/** Runs a tier's files, or those given; stopped after `limit` milliseconds. */
async function runVitest(tier: Tier, files: readonly string[], limit: number, cores: number): Promise<Tally> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-tally-'));
  const file = path.join(folder, 'tally.json');
  // By itself vitest leaves one core to others.
  const workers = `--maxWorkers=${tier.workers ?? cores}`;
  const reporters = ['--reporter=default', '--reporter=./scripts/tally.ts'];
  const projects = (tier.projects ?? [tier.name]).flatMap((name) => ['--project', name]);
  const args = ['run', ...projects, workers, ...reporters, ...files];
  const result = await execa('node_modules/.bin/vitest', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
    timeout: limit,
    forceKillAfterDelay: 5000,
    env: {
      ...{ [TALLY_FILE]: file, CLEAR_DF_SLOWNESS: String(slowness) },
      ...(asked.all && { CLEAR_DF_MORE: '1' }),
      ...((asked.all || tier.registry === true) && { NODE_EXTRA_CA_CERTS: certificates }),
    },
  });
  const limitText = `did not end within ${Math.round(limit / MINUTE)} minutes (slowness ${slowness})`;
  try {
    const tally = JSON.parse(readFileSync(file, 'utf8')) as Tally;
    const fails = (...why: string[]) => tally.failed.push({ name: tier.name, why });
    if (result.timedOut && asked.restUntil !== undefined) leftOut.push(...(tally.untold ?? []));
    else if (result.timedOut) fails(limitText, `not told: ${(tally.untold ?? []).join(' ')}`);
    else if (result.exitCode !== 0 && tally.failed.length === 0) fails('vitest failed');
    else if (tally.passed + tally.failed.length + tally.skipped.length === 0) fails('no tests');
    return tally;
  } catch {
    if (result.timedOut && asked.restUntil !== undefined) {
      leftOut.push(...files);
      return { passed: 0, failed: [], skipped: [] };
    }
    const why = result.timedOut ? limitText : 'vitest ended without a result: see above';
    return { passed: 0, failed: [{ name: tier.name, why: [why] }], skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All targets by one call, which compiles the sources once. */
async function runFuzz(limit: number): Promise<Tally> {
  const targets = fuzzTargets();
  const { stdout, stderr } = await execa('bash', ['scripts/fuzz', '--seconds', String(FUZZ_SECONDS), ...targets], {
    ...{ stdin: 'ignore', stdout: ['inherit', 'pipe'], stderr: ['inherit', 'pipe'] },
    ...{ reject: false, timeout: limit },
  });
  const well = new Set(Array.from(stdout.matchAll(/^fuzz: (\w+): \d+ runs, nothing found$/gm), ([, name]) => name));
  const why = stderr.split('\n').slice(-MOST_LINES);
  const failed = targets.filter((name) => !well.has(name)).map((name) => ({ name: `fuzz > ${name}`, why }));
  if (targets.length === 0) failed.push({ name: 'fuzz', why: ['no targets in test/fuzz'] });
  return { passed: well.size, failed, skipped: [] };
}

/** @param cores that the tier has to itself */
async function runTier(tier: Tier, cores: number): Promise<Tally> {
  if (tier.root && process.getuid?.() !== 0) {
    const reason = 'needs root: run npm test as root';
    console.log(`skipped: ${reason}`);
    return { passed: 0, failed: [], skipped: [{ name: tier.name, reason }] };
  }
  // Minutes of two cores.
  const share = Math.min(1, availableParallelism() / 2);
  const limit = (tier.minutes * MINUTE * slowness * (asked.all ? 3 : 1)) / share;
  if (asked.restUntil !== undefined) return runVitest(tier, filesOfRest(tier), asked.restUntil - Date.now(), cores);
  if (tier.name === 'check') return runChecks();
  if (tier.name === 'fuzz') return runFuzz(limit);
  return runVitest(tier, [], limit, cores);
}

const total: Tally = { passed: 0, failed: [], skipped: [] };
const lines: string[] = [];
const past = lastSeconds();

/** Side by side as many run as there are cores. */
const lanesFor = (group: readonly Tier[]) => Math.min(group.length, availableParallelism());

/** Seconds that a group takes, by the last time. */
function expected(group: readonly Tier[]): number {
  const each = group.map(({ name }) => past[name] ?? 0);
  return Math.max(...each, each.reduce((sum, seconds) => sum + seconds, 0) / lanesFor(group));
}

/** `, about 4 min left`, by what the tiers took the last time. */
function left(groups: readonly Tier[][]): string {
  if (asked.all || groups.flat().some(({ name }) => past[name] === undefined)) return '';
  const seconds = groups.reduce((sum, group) => sum + expected(group), 0);
  return `, about ${Math.ceil(seconds / 60)} min left`;
}

const tiers = asked.tiers.filter((tier) => asked.restUntil === undefined || filesOfRest(tier).length > 0);
console.log(`slowness ${slowness}: how many times the tests' limits are those of a quiet machine`);
const groups = asked.restUntil === undefined ? inGroups(tiers) : tiers.map((tier) => [tier]);

/** Runs one tier and enters it into the summary. */
async function enter(tier: Tier, cores: number): Promise<void> {
  const started = Date.now();
  const tally = await runTier(tier, cores);
  const seconds = Math.round((Date.now() - started) / 1000);
  if (strict) {
    for (const skip of tally.skipped) {
      const why = [`skipped, which CI does not excuse: ${skip.reason}`];
      if (!isExpected(skip)) tally.failed.push({ name: skip.name, why });
    }
    tally.skipped = tally.skipped.filter(isExpected);
  }
  if (tally.failed.length === 0 && !asked.all) rememberSeconds(tier.name, seconds);
  total.passed += tally.passed;
  total.failed.push(...tally.failed);
  total.skipped.push(...tally.skipped);
  const counts = [tally.passed, tally.failed.length, tally.skipped.length].map((n) => String(n).padStart(6)).join('');
  lines.push(`${tier.name.padEnd(10)}${counts}${String(seconds).padStart(7)} s`);
}

/** Starts what the tiers of a group need prepared. */
async function prepareAhead(group: readonly Tier[] = []): Promise<void> {
  const scripts = group.flatMap(({ ahead }) => ahead ?? []);
  const options = { stdio: ['ignore', 'inherit', 'inherit'], reject: false, cleanup: true } as const;
  await Promise.all(scripts.map((script) => execa('node_modules/.bin/tsx', [script], options)));
}

let prepared = Promise.resolve();
for (const [at, group] of groups.entries()) {
  if (asked.restUntil !== undefined && Date.now() >= asked.restUntil) {
    leftOut.push(...group.flatMap(filesOfRest));
    continue;
  }
  const place = `${at + 1} of ${groups.length}${left(groups.slice(at))}`;
  const names = group.map(({ name }) => name).join(', ');
  console.log(`\n${colour.bold}── ${names} (${place}): ${group.map(({ what }) => what).join('; ')}${colour.off}`);
  await prepared;
  if (asked.restUntil === undefined) prepared = prepareAhead(groups[at + 1]);
  const lanes = lanesFor(group);
  await inLanes(group, lanes, (tier) => enter(tier, Math.floor(availableParallelism() / lanes)));
}

console.log(`\n${'tier'.padEnd(10)}passed failed  skip   time`);
for (const line of lines) console.log(line);
for (const file of leftOut) console.log(`left out for time: ${file}`);
const more = asked.all ? [] : tiers.map((tier) => [tier.name, filesOfRest(tier).length] as const);
const rest = more.filter(([, files]) => files > 0).map(([name, files]) => `${name} ${files}`);
if (rest.length > 0) console.log(`files left out, told by npm run test:all: ${rest.join(', ')}`);
for (const skip of total.skipped) console.log(`skipped: ${skip.name}: ${skip.reason}`);
for (const { name, why } of total.failed) {
  console.log(`FAILED: ${name}`);
  for (const line of why) console.log(`        ${line}`);
}
console.log('');
process.exitCode = total.failed.length === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
