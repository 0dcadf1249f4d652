/** How the demo speaks: numbered steps, evidence, a tick or a cross for each claim. */

const colour = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint = (code: number) => (text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = paint(1);
const dim = paint(2);
const green = paint(32);
const red = paint(31);

let step = 0;
let failures = 0;

/** Opens a step. */
export function heading(text: string): void {
  step += 1;
  console.log(`\n${bold(`${step}. ${text}`)}`);
}

/** A line of what a program printed. */
export function evidence(text: string): void {
  for (const line of text.split('\n')) console.log(`     ${dim('│')} ${line}`);
}

/** A command as a person would type it. */
export function command(where: string, text: string): void {
  console.log(`     ${dim(`${where} #`)} ${text}`);
}

/** A claim and whether it was seen. */
export function claim(seen: boolean, text: string): void {
  if (!seen) failures += 1;
  console.log(`   ${seen ? green('✓') : red('✗')} ${text}`);
}

/** Prints the last line. @returns whether every claim was seen */
export function conclude(): boolean {
  const ok = failures === 0;
  const text = ok ? 'Every step was seen.' : `${failures} claim${failures === 1 ? '' : 's'} did not hold.`;
  console.log(`\n${ok ? green(bold(text)) : red(bold(text))}`);
  return ok;
}
