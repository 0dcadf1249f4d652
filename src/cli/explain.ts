/** What `--help` and the manual page of a command say beside its flags: written once, and kept as data for the page. */
import type { Command } from 'commander';
import { align } from '../net/columns.js';

/** A line that can be typed, and what it is for. */
type Example = readonly [line: string, purpose: string];

/** Files that commands read or write, and what is in them. */
export const FILES = {
  options: ['/etc/clear-df/clear-df.yaml', 'options of clear-df.service: clear-df.yaml(5)'],
  site: ['/etc/clear-df/NAME.yaml', 'one end of tunnel NAME, for clear-df-tunnel@NAME.service: clear-df-site(5)'],
  net: ['NET.net.yaml', 'all sites of a net, on whichever machine they are looked after from: clear-df-net(5)'],
  state: ['/run/clear-df/', 'locks, and what has to be put back; gone at the next boot'],
} as const;

/** What the process's exit codes mean; `errors.ts` has their names. */
export const EXIT_STATUS: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done, or ended by TERM or INT'],
  [1, 'failed while running; of status, doctor, probe and trace: the answer is no'],
  [2, 'wrong usage, nothing was changed'],
  [3, 'privilege: CAP_NET_ADMIN is missing (probe: CAP_NET_RAW)'],
  [4, 'environment: the kernel or this machine lacks something'],
  [5, 'conflict: the queue, address, device or name is taken'],
];

export interface Explanation {
  /** Paragraphs; lines that begin with two blanks stay as they are. */
  text?: string;
  examples?: readonly Example[];
  /** What 0 and 1 mean for this command, where that is not what they mean everywhere. */
  exit?: string;
  files?: readonly (keyof typeof FILES)[];
  /** Manual pages of others: `ip-link(8)`. */
  see?: readonly string[];
}

const explanations = new WeakMap<Command, Explanation>();

/** Adds it to the command's `--help`. */
export function explain(command: Command, explanation: Explanation): Command {
  explanations.set(command, explanation);
  return command.addHelpText('after', helpText(explanation, command.parent === null && command.name() === 'clear-df'));
}

/** What was said of a command. */
export function explanationOf(command: Command): Explanation {
  return explanations.get(command) ?? {};
}

function helpText({ text, examples = [], exit }: Explanation, root: boolean): string {
  const rows = examples.map(([line, purpose]) => [{ text: `  ${line}` }, { text: purpose }]);
  const codes = root ? ['Exit codes:', ...EXIT_STATUS.map(([code, meaning]) => `  ${code}  ${meaning}`)] : [];
  const parts = [
    text?.trim() ?? '',
    rows.length === 0 ? '' : ['Examples:', ...align(rows, () => false)].join('\n'),
    exit === undefined ? '' : `Exit codes: ${exit}; others as everywhere.`,
    codes.join('\n'),
  ];
  return ['', ...parts.filter((part) => part !== '')].join('\n\n').slice(1);
}
