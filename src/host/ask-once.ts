/** Runners that remember: a program that is not started costs nothing, and a start of clear-df asks many questions twice. */
import { ClearDfError } from '../errors.js';
import type { Runner } from './exec.js';

/** By command, arguments and input. */
export type Answers = Map<string, Promise<string>>;

/** For one step that looks at the machine from several sides: asks each question once, until something is changed. */
export function askingOnce(runner: Runner): Runner {
  const answers: Answers = new Map();
  return {
    ...runner,
    query: (...words) => remembered(answers, runner, words),
    change(...words) {
      answers.clear();
      return runner.change(...words);
    },
    effect(...words) {
      answers.clear();
      return runner.effect(...words);
    },
  };
}

/** For one process: what the kernel took when it was tried, or has not got, is not tried again. */
export function tryingOnce(
  runner: Runner,
  answers: Answers,
  isTrial: (command: string, args: readonly string[]) => boolean,
): Runner {
  return {
    ...runner,
    query: (...words) => (isTrial(words[0], words[1]) ? remembered(answers, runner, words) : runner.query(...words)),
  };
}

/** What failed for want of something on this machine fails again; whatever else failed is asked anew. */
function remembered(answers: Answers, runner: Runner, words: Parameters<Runner['query']>): Promise<string> {
  const key = JSON.stringify(words);
  const known = answers.get(key);
  if (known !== undefined) return known;
  const answer = runner.query(...words);
  answers.set(key, answer);
  answer.catch((error: unknown) => {
    if (!(error instanceof ClearDfError) || error.code !== 'ENVIRONMENT') answers.delete(key);
  });
  return answer;
}
