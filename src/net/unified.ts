/** The difference of two small texts, as diff -u has it: one hunk with all lines. */

/** Lines that begin with a blank, a minus or a plus; empty where nothing differs. */
export function unifiedDiff(before: string, after: string, names: { before: string; after: string }): string[] {
  if (before === after) return [];
  const [old, now] = [linesOf(before), linesOf(after)];
  const range = (lines: readonly string[]) => (lines.length === 0 ? '0,0' : `1,${lines.length}`);
  return [
    `--- ${names.before}`,
    `+++ ${names.after}`,
    `@@ -${range(old)} +${range(now)} @@`,
    ...changes(old, now).flatMap(([mark, line]) =>
      line.endsWith('\n') ? [`${mark}${line.slice(0, -1)}`] : [`${mark}${line}`, '\\ No newline at end of file'],
    ),
  ];
}

/** With their newlines. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

type Change = readonly [mark: ' ' | '-' | '+', line: string];

/** By the longest common subsequence, between what both begin and end with. */
function changes(old: readonly string[], now: readonly string[]): Change[] {
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  const room = Math.min(old.length, now.length) - head;
  while (tail < room && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const same = (lines: readonly string[]): Change[] => lines.map((line) => [' ', line] as const);
  return [
    ...same(old.slice(0, head)),
    ...middle(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...same(old.slice(old.length - tail)),
  ];
}

function middle(old: readonly string[], now: readonly string[]): Change[] {
  // Length of the longest common subsequence of what is left, by both places.
  const width = now.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: Change[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [gone = '', come = ''] = [old[i], now[j]];
    if (i < old.length && j < now.length && gone === come) {
      found.push([' ', gone]);
      i += 1;
      j += 1;
    } else if (j >= now.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      found.push(['-', gone]);
      i += 1;
    } else {
      found.push(['+', come]);
      j += 1;
    }
  }
  return found;
}
