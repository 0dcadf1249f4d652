/** `clear-df fast-path show|attach|detach`: the program in the kernel, without a run. A tunnel's plan prints these commands. */
import { Command } from 'commander';
import { fastPathAlone } from '../commands/fast-path-alone.js';
import { usageError } from '../errors.js';
import { createRunner } from '../host/exec.js';
import { performFastPath } from '../host/fast-path.js';
import { createLogger } from '../log.js';
import { replayText } from '../net/replay.js';
import { fastPathText } from '../report/fast-path.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../rules/spec.js';
import { IDENTIFICATION_POLICIES } from '../tunnel/enums.js';
import { type Explanation, explain } from './explain.js';
import { WordOption } from './option.js';
import { FAST_PATH_COMMAND } from '../tunnel/items/fast-path.js';

interface Flags {
  name: string;
  dryRun?: boolean;
  identification?: string;
}

const DETAILS: Explanation = {
  text: `
The program stands at the egress of the device (tc, preference 52720), clears DF of every IPv4 packet that leaves by it, and
stays until it is detached or the device goes: no process is needed.`,
  examples: [
    ['clear-df fast-path attach gretap1', 'clear DF of all that leaves by gretap1'],
    ['clear-df fast-path show', 'what is attached, and what it has counted'],
    ['clear-df fast-path detach gretap1', 'take it away'],
  ],
  see: ['tc(8)', 'bpf(2)'],
};

/** The command, for the table of commands; failures are thrown as ClearDfError. */
export function fastPathCommand(): Command {
  const command = explain(new Command('fast-path'), DETAILS);
  const show = new Command('show')
    .description('list the programs of this network namespace, with what they have counted')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const places = await fastPathAlone();
      const none = 'no program of clear-df is attached';
      const text = () => (places.length === 0 ? none : fastPathText(places));
      process.stdout.write(`${json === true ? JSON.stringify(places, null, 2) : text()}\n`);
    });
  const attach = verb('attach', 'attach it, or exchange it for one with other identifications').addOption(
    new WordOption('--identification <policy>', 'how packets are numbered', IDENTIFICATION_POLICIES).default('random'),
  );
  const detach = verb('detach', 'take it away');
  for (const each of [show, attach, detach]) command.addCommand(each);
  return command;
}

function verb(name: 'attach' | 'detach', what: string): Command {
  return new Command(name)
    .description(what)
    .argument('<device>', 'where packets leave')
    .option('--name <name>', 'the instance that it belongs to', 'default')
    .option('--dry-run', 'say what would be done, and change nothing')
    .action(async (device: string, { name: instance, dryRun = false, identification }: Flags) => {
      if (!isInstanceName(instance)) throw usageError('--name', instance, INSTANCE_NAME_FORM);
      const policy = identification === undefined ? [] : ['--identification', identification];
      const words = [name, device, '--name', instance, ...policy];
      const [program, object] = FAST_PATH_COMMAND;
      const runner = createRunner({
        log: createLogger('info'),
        dryRun,
        print: ({ text }) => process.stdout.write(`${text}\n`),
      });
      await runner.effect(replayText(program, [object, ...words]), () => performFastPath(words));
    });
}
