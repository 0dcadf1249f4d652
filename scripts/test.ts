/**
 * Runs the tiers of tests and closes with one line: `N passed, N failed, N skipped`.
 *
 *   npm test                    all tiers
 *   npm test -- unit netns      these
 *
 * With CI=true a skip that the kernel does not excuse is a failure.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { runChecks } from './check.js';
import { isExpected, TALLY_FILE, type Tally } from './tally.js';
import { fuzzTargets, type Tier, TIERS } from './tiers.js';

const FUZZ_SECONDS = 20;
const strict = process.env['CI'] === 'true';
const colour = process.stdout.isTTY ? { bold: '\x1b[1m', off: '\x1b[0m' } : { bold: '', off: '' };

async function runVitest(tier: Tier): Promise<Tally> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-tally-'));
  const file = path.join(folder, 'tally.json');
  const workers = tier.workers === undefined ? [] : [`--maxWorkers=${tier.workers}`];
  const reporters = ['--reporter=default', '--reporter=./scripts/tally.ts'];
  const args = ['run', '--project', tier.name, ...workers, ...reporters];
  const result = await execa('node_modules/.bin/vitest', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
    timeout: tier.minutes * 60_000,
    forceKillAfterDelay: 5000,
    env: { [TALLY_FILE]: file },
  });
  try {
    const tally = JSON.parse(readFileSync(file, 'utf8')) as Tally;
    const fails = (why: string) => tally.failed.push({ name: tier.name, why: [why] });
    if (result.timedOut) fails(`did not end within ${tier.minutes} minutes`);
    else if (result.exitCode !== 0 && tally.failed.length === 0) fails('vitest failed');
    else if (tally.passed + tally.failed.length + tally.skipped.length === 0) fails('no tests');
    return tally;
  } catch {
    const why = result.timedOut ? `did not end within ${tier.minutes} minutes` : 'vitest ended without a result';
    return { passed: 0, failed: [{ name: tier.name, why: [why] }], skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runFuzz(tier: Tier): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: [], skipped: [] };
  const targets = fuzzTargets();
  if (targets.length === 0) tally.failed.push({ name: tier.name, why: ['no targets in test/fuzz'] });
  for (const target of targets) {
    const seconds = Math.max(1, Math.round(FUZZ_SECONDS / targets.length));
    const result = await execa('bash', ['scripts/fuzz', '--seconds', String(seconds), target], {
      stdio: ['ignore', 'inherit', 'inherit'],
      reject: false,
      timeout: tier.minutes * 60_000,
    });
    if (result.failed) tally.failed.push({ name: `fuzz > ${target}`, why: [result.shortMessage ?? ''] });
    else tally.passed += 1;
  }
  return tally;
}

async function runTier(tier: Tier): Promise<Tally> {
  if (tier.root && process.getuid?.() !== 0) {
    const reason = 'needs root: run npm test as root';
    console.log(`skipped: ${reason}`);
    return { passed: 0, failed: [], skipped: [{ name: tier.name, reason }] };
  }
  if (tier.name === 'check') return await runChecks();
  if (tier.name === 'fuzz') return await runFuzz(tier);
  return await runVitest(tier);
}

function select(names: string[]): readonly Tier[] {
  for (const name of names) {
    if (!TIERS.some((tier) => tier.name === name)) {
      console.error(`test: '${name}' is not a tier; expected some of: ${TIERS.map((tier) => tier.name).join(' ')}`);
      process.exit(2);
    }
  }
  return names.length === 0 ? TIERS : TIERS.filter((tier) => names.includes(tier.name));
}

const total: Tally = { passed: 0, failed: [], skipped: [] };
const lines: string[] = [];
for (const tier of select(process.argv.slice(2))) {
  console.log(`\n${colour.bold}── ${tier.name}: ${tier.what}${colour.off}`);
  const started = Date.now();
  const tally = await runTier(tier);
  const seconds = Math.round((Date.now() - started) / 1000);
  if (strict) {
    for (const skip of tally.skipped) {
      const why = [`skipped, which CI does not excuse: ${skip.reason}`];
      if (!isExpected(skip)) tally.failed.push({ name: skip.name, why });
    }
    tally.skipped = tally.skipped.filter(isExpected);
  }
  total.passed += tally.passed;
  total.failed.push(...tally.failed);
  total.skipped.push(...tally.skipped);
  const counts = [tally.passed, tally.failed.length, tally.skipped.length].map((n) => String(n).padStart(6)).join('');
  lines.push(`${tier.name.padEnd(10)}${counts}${String(seconds).padStart(7)} s`);
}

console.log(`\n${'tier'.padEnd(10)}passed failed  skip   time`);
for (const line of lines) console.log(line);
for (const skip of total.skipped) console.log(`skipped: ${skip.name}: ${skip.reason}`);
for (const { name, why } of total.failed) {
  console.log(`FAILED: ${name}`);
  for (const line of why) console.log(`        ${line}`);
}
console.log('');
process.exitCode = total.failed.length === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`);
