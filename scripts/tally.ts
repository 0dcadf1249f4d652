/**
 * What a tier of tests came to, and the vitest reporter that counts it: vitest's
 * own JSON leaves out why a test was skipped.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface Skip {
  name: string;
  reason: string;
}

export interface Tally {
  passed: number;
  /** Names of what failed; a file that could not be loaded counts as one. */
  failed: string[];
  skipped: Skip[];
}

/** Where the reporter writes its JSON. */
export const TALLY_FILE = 'CLEAR_DF_TALLY';

/** A skip is expected only when it says what the running kernel lacks: `ctx.skip('kernel: no nft queue')`. */
export function isExpected(skip: Skip): boolean {
  return skip.reason.startsWith('kernel:');
}

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[TALLY_FILE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(tallyOf(modules, unhandled)));
  }
}

function tallyOf(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Tally {
  const tally: Tally = { passed: 0, failed: [], skipped: [] };
  for (const module of modules) {
    let failures = 0;
    for (const test of module.children.allTests()) {
      const name = `${module.relativeModuleId} > ${test.fullName}`;
      const result = test.result();
      if (result.state === 'passed') {
        tally.passed += 1;
      } else if (result.state === 'skipped') {
        tally.skipped.push({ name, reason: result.note ?? 'no reason given' });
      } else {
        failures += 1;
        tally.failed.push(name);
      }
    }
    // A file or suite that failed outside any test: an import, a hook.
    if (failures === 0 && module.state() === 'failed') tally.failed.push(module.relativeModuleId);
  }
  for (const error of unhandled) tally.failed.push(`unhandled error: ${error.message}`);
  return tally;
}
