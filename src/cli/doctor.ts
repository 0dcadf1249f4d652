/** `clear-df doctor [FILE]`: what on this machine is right, wrong, unknown; what to do; `--fix` does it. */
import { Command } from 'commander';
import { doctorOf } from '../commands/doctor.js';
import type { FixAnswer } from '../commands/doctor-fix.js';
import { exitCodeOf, watchSignals } from '../commands/signals.js';
import type { Finding } from '../doctor/finding.js';
import { ClearDfError, EXIT_CODES, requiresError } from '../errors.js';
import { wantsColor } from '../log/color.js';
import type { Listen } from '../report/listen.js';
import { formatFindings, formatWrong } from './doctor-text.js';
import { type Explanation, explain } from './explain.js';
import { canAsk, question } from './question.js';
import { fromOption } from './watching.js';

const DETAILS: Explanation = {
  text: `
One line a check: ok, wrong or unknown, with what was seen; below what is wrong stands what mends it. Without root more
is unknown. Nothing is changed but with --fix, which asks before each command, looks again behind it, and takes back
what did not help or made something else wrong.`,
  examples: [
    ['clear-df doctor', 'this machine'],
    ['clear-df doctor /etc/clear-df/site-a.yaml', 'and what that tunnel needs'],
    ['clear-df doctor --fix', 'and mend what can be mended, one by one'],
  ],
  exit: '1 when something is wrong at the end, 0 otherwise: unknown is no failure',
  files: ['site', 'state'],
};

interface DoctorFlags {
  from: Listen;
  json?: boolean;
  fix?: boolean;
  yes?: boolean;
  dryRun?: boolean;
}

/** The command, for the table of commands. */
export function doctorCommand(): Command {
  return explain(new Command('doctor'), DETAILS)
    .argument('[file]', 'a site file: check what that site needs as well')
    .addOption(fromOption('where a running clear-df serves its statistics'))
    .option('--json', 'print JSON')
    .option('--fix', 'run what mends a finding, each after a question')
    .option('--yes', 'with --fix: run them all, and ask nothing')
    .option('--dry-run', 'with --fix: print the commands, for a shell, and change nothing')
    .action(async (file: string | undefined, flags: DoctorFlags) => {
      refuseOdd(flags);
      const findings = flags.fix === true ? await fix(file, flags) : await (await doctorOf(file, flags.from))();
      if (flags.json === true) process.stdout.write(`${JSON.stringify({ findings }, null, 2)}\n`);
      else if (flags.fix !== true) process.stdout.write(formatFindings(findings, wantsColor(process.stdout.isTTY)));
      if (findings.some(({ state }) => state === 'wrong')) process.exitCode ??= EXIT_CODES.RUNTIME;
    });
}

/** Flags that need another one, or cannot be with it, before anything is looked at. */
function refuseOdd({ fix: wanted = false, yes = false, dryRun = false, json = false }: DoctorFlags): void {
  if (!wanted && yes) throw requiresError('--yes', '--fix');
  if (!wanted && dryRun) throw requiresError('--dry-run', '--fix');
  if (!wanted) return;
  const refuse = (reason: string) => new ClearDfError({ code: 'USAGE', operation: 'read', object: '--fix', reason });
  if (json) throw refuse('it asks and prints as it goes, which is no JSON; run doctor --json afterwards');
  if (!yes && !dryRun && !canAsk()) throw refuse('there is no terminal to ask at; add --yes, or --dry-run');
}

/** @returns the findings as they are at the end; none under dry run */
async function fix(file: string | undefined, flags: DoctorFlags): Promise<Finding[]> {
  const { from, yes = false, dryRun = false } = flags;
  const [{ fixFindings }, { createRunner }, { requireNetAdmin }] = await Promise.all([
    import('../commands/doctor-fix.js'),
    import('../host/exec.js'),
    import('../commands/rights.js'),
  ]);
  if (!dryRun) requireNetAdmin(['mend', 'this machine'], 'run as root; --dry-run needs no rights');
  const color = wantsColor(process.stdout.isTTY);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const signals = watchSignals({ hangup: true });
  const look = await doctorOf(file, from, signals.stop);
  const runner = createRunner({
    log: { debug: () => undefined },
    dryRun,
    stop: signals.stop,
    print: ({ text }) => print(text),
  });
  const ask = async (finding: Finding): Promise<FixAnswer> => {
    if (dryRun) print(`# ${finding.what}: ${finding.evidence}`);
    else print(`${formatWrong(finding, color)}\n  ${finding.fix ?? ''}`);
    if (yes || dryRun) return 'yes';
    for (;;) {
      const answer = (await question('  run it? [y]es, [n]o, [q]uit: ', signals.stop))?.toLowerCase();
      if (answer === undefined || /^q(uit)?$/.test(answer)) return 'quit';
      if (/^y(es)?$/.test(answer)) return 'yes';
      if (/^no?$/.test(answer)) return 'no';
    }
  };
  const say = (line: string) => print(`  ${line}`);
  const { findings, mended, undone, failed, declined } = await fixFindings({
    look,
    runner,
    ask,
    say,
    stop: signals.stop,
  });
  if (signals.stopping !== undefined) process.exitCode = exitCodeOf(signals.stopping);
  signals.dispose();
  if (dryRun) return [];
  const wrong = findings.filter(({ state }) => state === 'wrong');
  if (wrong.length > 0) print(['', 'still wrong:', ...wrong.map((one) => formatWrong(one, color, true))].join('\n'));
  print(
    `\n${mended} mended, ${undone} taken back, ${failed} failed, ${declined} declined, ${wrong.length} still wrong`,
  );
  if (mended > 0) print('What was mended lasts until the next boot, or until another program changes it.');
  return [...findings];
}
