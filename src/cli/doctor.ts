/** `clear-df doctor [FILE]`: what on this machine is right, wrong, unknown; what to do. */
import { Command, Option } from 'commander';
import { EXIT_CODES } from '../errors.js';
import { DEFAULT_LISTEN, type Listen, parseFrom } from '../report/listen.js';
import { runDoctor } from '../commands/doctor.js';
import { wantsColor } from '../log/color.js';
import { type Explanation, explain } from './explain.js';
import { formatFindings } from './doctor-text.js';

const DETAILS: Explanation = {
  text: `
One line a check: ok, wrong or unknown, with what was seen; below what is wrong stands what mends it. Nothing is
changed. Without root more is unknown.`,
  examples: [
    ['clear-df doctor', 'this machine'],
    ['clear-df doctor /etc/clear-df/site-a.yaml', 'and what that tunnel needs'],
  ],
  exit: '1 when something is wrong, 0 otherwise: unknown is no failure',
  files: ['site', 'state'],
};

interface DoctorFlags {
  from: Listen;
  json?: boolean;
}

/** The command, for the table of commands. */
export function doctorCommand(): Command {
  return explain(new Command('doctor'), DETAILS)
    .argument('[file]', 'a site file: check what that site needs as well')
    .addOption(
      new Option('--from <addr:port>', 'where a running clear-df serves its statistics')
        .argParser((text) => parseFrom(text))
        .default(parseFrom(DEFAULT_LISTEN), DEFAULT_LISTEN),
    )
    .option('--json', 'print JSON')
    .action(async (file: string | undefined, { from, json }: DoctorFlags) => {
      const findings = await runDoctor(file, from);
      const color = wantsColor(process.stdout.isTTY);
      process.stdout.write(
        json === true ? `${JSON.stringify({ findings }, null, 2)}\n` : formatFindings(findings, color),
      );
      if (findings.some(({ state }) => state === 'wrong')) process.exitCode = EXIT_CODES.RUNTIME;
    });
}
