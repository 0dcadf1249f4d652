/** The doctor's findings for people: one line each, below it what mends what is wrong. */
import type { Finding, FindingState } from '../doctor/finding.js';
import { printable } from '../errors.js';
import { type Style, paint } from '../report/table.js';

const STYLES: Record<FindingState, Style> = { ok: 'dim', wrong: 'red', unknown: 'yellow' };
const WIDTH = 'unknown'.length;

/** One that is wrong, alone; with what mends it when asked. */
export function formatWrong({ what, evidence, fix, hint }: Finding, color: boolean, mends = false): string {
  const state = color ? paint('red', 'wrong') : 'wrong';
  const below = mends ? [fix === undefined ? undefined : `fix: ${fix}`, hint] : [];
  const lines = [`${what}: ${evidence}`, ...below.filter((line) => line !== undefined)];
  return `${state}  ${lines.map(printable).join('\n       ')}`;
}

/** A heading for each group, a line for each finding, and a sum. */
export function formatFindings(findings: readonly Finding[], color: boolean): string {
  const colored = (style: Style, text: string) => (color ? paint(style, text) : text);
  const lines: string[] = [];
  let group: string | undefined;
  for (const finding of findings) {
    if (finding.group !== group) lines.push(colored('bold', finding.group));
    group = finding.group;
    const state = colored(STYLES[finding.state], finding.state.padEnd(WIDTH));
    lines.push(`  ${state}  ${printable(`${finding.what}: ${finding.evidence}`)}`);
    const indent = ' '.repeat(WIDTH + 4);
    if (finding.fix !== undefined) lines.push(`${indent}fix: ${printable(finding.fix)}`);
    if (finding.hint !== undefined) lines.push(`${indent}${printable(finding.hint)}`);
  }
  const count = (state: FindingState) => findings.filter((finding) => finding.state === state).length;
  return [...lines, `${count('wrong')} wrong, ${count('unknown')} unknown, ${count('ok')} ok`, ''].join('\n');
}
