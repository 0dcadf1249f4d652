/** `clear-df completion SHELL`: a script for the shell, with every command, flag and word that is accepted. */
import { Argument, Command } from 'commander';
import { commandTree } from './command-tree.js';
import { bashCompletion } from './completion/bash.js';
import { fishCompletion } from './completion/fish.js';
import { zshCompletion } from './completion/zsh.js';
import { type Explanation, explain } from './explain.js';

export const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

const DETAILS: Explanation = {
  text: `
Commands, flags and their words are those of this version; devices, files and the tunnels that are set up are looked up
when they are completed. The Debian package has these scripts in place.`,
  examples: [
    ['. <(clear-df completion bash)', 'in this bash; in ~/.bashrc for every one'],
    ['clear-df completion zsh > /usr/local/share/zsh/site-functions/_clear-df', 'for zsh'],
    ['clear-df completion fish > /etc/fish/completions/clear-df.fish', 'for fish'],
  ],
};

/** The command, for the table of commands. */
export function completionCommand(): Command {
  return explain(new Command('completion'), DETAILS)
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(SHELLS)))
    .action((shell: keyof typeof SHELLS, _: unknown, { parent }: Command) => {
      process.stdout.write(SHELLS[shell](commandTree(parent as Command)));
    });
}
