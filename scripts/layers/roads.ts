/** Rooms and the roads between them. */

/** The room of a file given by its path below `src/` or `bench/`. */
export function roomOf(file: string): string {
  const [first = ''] = file.split('/');
  return first.replace(/\.ts$/, '');
}

/** A file may import from its own room and from rooms to its left in one of the roads. */
export function mayImport(roads: readonly (readonly string[])[], from: string, to: string): boolean {
  return from === to || roads.some((road) => road.includes(to) && road.indexOf(from) > road.indexOf(to));
}

export interface Violation {
  /** `src/net/x.ts:3` */
  where: string;
  what: string;
  rule: string;
}
