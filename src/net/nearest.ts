/** How many single letters must be added, dropped or changed to turn `a` into `b` (Levenshtein). */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The word of `words` that `typed` was probably meant to be, or undefined when none is near. */
export function nearest(typed: string, words: Iterable<string>): string | undefined {
  const allowed = Math.max(1, Math.floor(typed.length / 3));
  const folded = typed.toLowerCase().replaceAll('_', '-');
  let best: { word: string; far: number } | undefined;
  for (const word of words) {
    const far = distance(folded, word);
    if (far <= allowed && far < (best?.far ?? Infinity)) best = { word, far };
  }
  return best?.word;
}
