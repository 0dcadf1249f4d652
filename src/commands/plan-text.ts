/** What `--dry-run` prints: a script for the shell, whose comments tell what clear-df itself would do. */
import { rangeText } from '../net/queue-range.js';
import type { FastPathPlan } from './fast-path.js';
import { OPTION_NAMES, optionInfo } from './option-table.js';
import type { ServiceOptions } from './options.js';
import { written } from './reload.js';
import type { RulePlan } from './rule-keeper.js';

/** The plan as text that ends in a newline. */
export function planText(options: ServiceOptions, fastPath: FastPathPlan, plan: RulePlan | undefined): string {
  const queue = rangeText(options.queue);
  const shown = OPTION_NAMES.filter((name) => optionInfo(name).group !== 'rules' && !optionInfo(name).flagOnly);
  const values = shown
    .map((name) => [name, written(options, name)] as const)
    .filter(([, value]) => value !== 'default');
  const lines = [
    `# ${fastPath.text}`,
    `# bind queue ${queue}`,
    ...values.map(([name, value]) => `#   ${name}: ${value}`),
  ];
  if (plan === undefined) {
    lines.push(`# no rules of its own: clear-df rules install --queue ${queue} makes some`);
  } else {
    const { backend, reason, notes } = plan.result;
    lines.push(`# install the rules of ${options.rules[0]?.name} with ${backend} (${reason})`);
    lines.push(...notes.map(({ text }) => `# note: ${text}`));
    if (plan.changes.length === 0) lines.push('# they are there already');
    lines.push(...plan.changes.map(({ text }) => text));
  }
  return `${lines.join('\n')}\n`;
}
