/** The output of the C programs of this folder: Test Anything Protocol. */

export interface Outcome {
  name: string;
  ok: boolean;
  /** `# …` lines behind it: what the program said about it. */
  notes: string[];
}

export interface Tap {
  outcomes: Outcome[];
  /** How many it said that there would be. */
  plan: number | undefined;
}

export function readTap(text: string): Tap {
  const outcomes: Outcome[] = [];
  let plan: number | undefined;
  for (const line of text.split('\n')) {
    const match = /^(not )?ok\b\s*\d*\s*-?\s*(.*)$/.exec(line);
    const planned = /^1\.\.(\d+)$/.exec(line)?.[1];
    if (match) outcomes.push({ name: match[2] ?? '', ok: match[1] === undefined, notes: [] });
    else if (planned !== undefined) plan = Number(planned);
    else if (line.startsWith('#')) outcomes.at(-1)?.notes.push(line);
  }
  return { outcomes, plan };
}
