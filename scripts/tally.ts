/**
 * What a tier of tests came to, and the vitest reporter that counts it: vitest's
 * own JSON leaves out why a test was skipped.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule, TestSpecification } from 'vitest/node';

interface Skip {
  name: string;
  reason: string;
}

interface Failure {
  name: string;
  /** In short, for whoever sees only the end of the output. */
  why: string[];
}

export interface Tally {
  passed: number;
  /** What failed; a file that could not be loaded counts as one. */
  failed: Failure[];
  skipped: Skip[];
  /** Files whose tests have not all ended: empty unless the run was stopped. */
  untold?: string[];
}

/** Where the reporter writes its JSON. */
export const TALLY_FILE = 'CLEAR_DF_TALLY';

/**
 * A skip is expected only when it says what the running kernel lacks, `ctx.skip('kernel: no nft queue')`, or what
 * Debian's archive does not have today: `archive: …`.
 */
export function isExpected(skip: Skip): boolean {
  return /^(kernel|archive):/.test(skip.reason);
}

/** Of one failure, in the summary. */
export const MOST_LINES = 24;

/** What an error says, what differs, and the line of the test. */
function reasonsOf(error: SerializedError): string[] {
  const at = error.stacks?.map(({ file, line }) => `at ${file}:${line}`).at(-1);
  const diff = typeof error['diff'] === 'string' ? error['diff'] : '';
  const lines = stripVTControlCharacters(`${error.message}\n${diff}`)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const said = lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), '…'] : lines;
  return at === undefined ? said : [...said, at];
}

export default class TallyReporter implements Reporter {
  #untold = new Set<string>();
  #ended: TestModule[] = [];

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#untold = new Set(specifications.map(({ moduleId }) => path.relative(process.cwd(), moduleId)));
    this.#write([]);
  }

  /** After each file, so that a run that is stopped has told what it could. */
  onTestModuleEnd(module: TestModule): void {
    this.#ended.push(module);
    this.#untold.delete(module.relativeModuleId);
    this.#write([]);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#ended = [...modules];
    this.#untold.clear();
    this.#write(unhandled);
  }

  #write(unhandled: readonly SerializedError[]): void {
    const file = process.env[TALLY_FILE];
    if (file === undefined) return;
    writeFileSync(file, JSON.stringify({ ...tallyOf(this.#ended, unhandled), untold: [...this.#untold] }));
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
        tally.failed.push({ name, why: (result.errors ?? []).flatMap(reasonsOf) });
      }
    }
    // A file or suite that failed outside any test: an import, a hook.
    if (failures === 0 && module.state() === 'failed') {
      const suites = [...module.children.allSuites()].flatMap((suite) => suite.errors());
      tally.failed.push({ name: module.relativeModuleId, why: [...module.errors(), ...suites].flatMap(reasonsOf) });
    }
  }
  for (const error of unhandled) tally.failed.push({ name: 'unhandled error', why: reasonsOf(error) });
  return tally;
}
