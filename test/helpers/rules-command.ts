/** `clear-df rules` by itself, as a program: the arguments are those behind `rules`. */
import { rulesCommand } from '../../src/cli/rules.js';
import { ClearDfError } from '../../src/errors.js';

try {
  await rulesCommand().exitOverride().parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  if (!(error instanceof ClearDfError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = error.exitCode;
}
