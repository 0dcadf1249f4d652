/**
 * What no person writes is refused before it is parsed: the parser takes time with the square of keys and of levels, and
 * runs in the process that clears packets.
 */

/** Keys, items, brackets and lines together; a site file has some dozens. */
const MARKS_MAX = 2000;
const LINE_MAX = 4096;

/** Characters that make YAML a structure; one in a comment or in a text counts as well. */
const MARKS = new Set([...'[]{},:?-&*!|>\n'].map((character) => character.charCodeAt(0)));
const HASH = '#'.charCodeAt(0);
const NEWLINE = '\n'.charCodeAt(0);

/** Where a text becomes too much, and why; undefined when it is not. Lines of comment do not count. */
export function yamlExcess(text: string): { line: number; reason: string } | undefined {
  let marks = 0;
  let line = 1;
  for (let start = 0; start < text.length; line += 1) {
    const end = text.indexOf('\n', start) < 0 ? text.length : text.indexOf('\n', start);
    if (end - start > LINE_MAX) {
      return { line, reason: `this line has ${end - start} characters; expected at most ${LINE_MAX}` };
    }
    let first = start;
    while (first < end && text[first] === ' ') first += 1;
    if (text.charCodeAt(first) !== HASH && text.charCodeAt(first) !== NEWLINE) {
      for (let at = first; at <= end; at += 1) if (MARKS.has(text.charCodeAt(at))) marks += 1;
      if (marks > MARKS_MAX) {
        return {
          line,
          reason: `it has more keys, items and levels than a person writes; expected at most ${MARKS_MAX}`,
        };
      }
    }
    start = end + 1;
  }
  return undefined;
}
