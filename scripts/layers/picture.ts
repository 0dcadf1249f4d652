/** The picture of the rooms in docs/architecture.md, drawn from the imports that are there. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import { includesBetweenRooms } from './c-rooms.js';
import { placeOf } from './orders.js';

const PAGE = 'docs/architecture.md';
const [BEGIN, END] = ['<!-- rooms: drawn by scripts/check-layers.ts --picture -->', '<!-- /rooms -->'];

type Arrows = Map<string, Set<string>>;

/** Who imports from whom, by room of `src/`. */
function roomsOf({ modules }: ICruiseResult): Arrows {
  const arrows: Arrows = new Map();
  for (const { source, dependencies } of modules) {
    const [folder, room] = placeOf(source);
    if (folder !== 'src') continue;
    const own = arrows.get(room) ?? new Set<string>();
    arrows.set(room, own);
    for (const { resolved, dependencyTypes } of dependencies) {
      const [into, to] = placeOf(resolved);
      if (into === 'src' && to !== room && !dependencyTypes.includes('type-only')) own.add(to);
    }
  }
  return arrows;
}

function reaches(arrows: Arrows, from: string, to: string): boolean {
  return [...(arrows.get(from) ?? [])].some((next) => next === to || reaches(arrows, next, to));
}

/** Without arrows that a detour stands for: there are no circles. */
function flowchart(arrows: Arrows): string {
  const lines = [...arrows.keys()].sort().flatMap((from) => {
    const direct = [...(arrows.get(from) ?? [])].sort();
    const shown = direct.filter((to) => !direct.some((other) => other !== to && reaches(arrows, other, to)));
    return shown.length === 0 ? [`  ${from}`] : shown.map((to) => `  ${from} --> ${to}`);
  });
  return ['```mermaid', 'flowchart TD', ...lines, '```'].join('\n');
}

function withPicture(root: string, graph: ICruiseResult): string {
  const page = readFileSync(path.join(root, PAGE), 'utf8');
  const [before = '', rest = ''] = page.split(BEGIN);
  const after = rest.split(END)[1] ?? '';
  const c = flowchart(includesBetweenRooms(path.join(root, 'csrc')));
  return `${before}${BEGIN}\n\n${flowchart(roomsOf(graph))}\n\n\`csrc/\`:\n\n${c}\n\n${END}${after}`;
}

/** Draws it again, in place. */
export function writePicture(root: string, graph: ICruiseResult): void {
  writeFileSync(path.join(root, PAGE), withPicture(root, graph));
}

/** Whether the page shows the imports as they are. */
export function pictureIsCurrent(root: string, graph: ICruiseResult): boolean {
  return withPicture(root, graph) === readFileSync(path.join(root, PAGE), 'utf8');
}
