/** The rooms of the TypeScript sources and their orders, as rules for dependency-cruiser. */
import type { IForbiddenRuleType } from 'dependency-cruiser';

export interface Violation {
  /** `src/net/x.ts` */
  where: string;
  what: string;
  rule: string;
}

/** A file may import from its own room and from rooms to its left in one of its folder's orders. */
export const ORDERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  src: [
    ['errors', 'net', 'counters', 'native', 'fast-path', 'mangler', 'espinudp', 'log', 'report', 'commands', 'cli'],
    ['errors', 'net', 'rules', 'tunnel', 'doctor', 'trace', 'log', 'host', 'commands', 'cli'],
    // From a rule to what the program in the kernel is told.
    ['errors', 'net', 'rules', 'fast-path', 'commands', 'cli'],
    ['errors', 'native', 'fast-path', 'host', 'commands', 'cli'],
    // Locks, for which Node has no call, which network namespace this is, and what no firewall tool does.
    ['errors', 'counters', 'native', 'host', 'commands', 'cli'],
    ['errors', 'capture', 'cli'],
    // Pure; the bench takes it as well.
    ['errors', 'capacity', 'commands', 'cli'],
    // What a browser runs; imported by nothing.
    ['errors', 'net', 'counters', 'native', 'fast-path', 'mangler', 'report', 'page'],
    // The public names; imported by nothing.
    ['errors', 'net', 'counters', 'native', 'fast-path', 'mangler', 'espinudp', 'index'],
    ['errors', 'net', 'rules', 'index'],
    // `clear-df/plan`; imported by nothing.
    ['errors', 'net', 'rules', 'tunnel', 'plan'],
  ],
  bench: [
    ['record', 'page', 'main'],
    ['record', 'lab', 'contenders', 'loads', 'rounds', 'main'],
    ['record', 'lab', 'contenders', 'loads', 'check', 'main'],
    ['record', 'lab', 'contenders', 'loads', 'model', 'main'],
    ['record', 'lab', 'program', 'main'],
    ['record', 'arguments', 'main'],
  ],
};

/** Doors between orders, for types only: nothing runs through them. */
const TYPE_DOORS = [{ from: 'report', to: 'host' }];

/** Modules that only one room may import. */
const KEPT_MODULES = [
  { module: '^(node_modules/)?bindings', room: 'native' },
  { module: '^(node_modules/)?execa|^(node:)?child_process$', room: 'host' },
];

/** Whether a file of room `from` may import one of room `to`. */
export function mayImport(orders: readonly (readonly string[])[], from: string, to: string): boolean {
  return from === to || orders.some((order) => order.includes(to) && order.indexOf(from) > order.indexOf(to));
}

/** Folder and room of a file: `['src', 'report']` of `src/report/text.ts`. */
export function placeOf(file: string): [folder: string, room: string] {
  const [folder = '', room = ''] = file.split('/');
  return [folder, room.replace(/\.ts$/, '')];
}

const inRoom = (folder: string, rooms: readonly string[]): string => `^${folder}/(${rooms.join('|')})(/|\\.ts$)`;

/** Who may import what, as dependency-cruiser has it. */
export function forbidden(): IForbiddenRuleType[] {
  const rules: IForbiddenRuleType[] = [
    { name: 'no import circles', from: {}, to: { circular: true } },
    { name: 'nothing imports index.ts', from: {}, to: { path: '^src/index\\.ts$' } },
    { name: 'src is built alone', from: { path: '^src/' }, to: { path: '^(bench|scripts|test)/' } },
    { name: 'only tests import scripts', from: { path: '^(src|bench)/' }, to: { path: '^scripts/' } },
    ...KEPT_MODULES.map(({ module, room }) => ({
      name: `only src/${room} may import it`,
      from: { path: '^src/', pathNot: inRoom('src', [room]) },
      to: { path: module },
    })),
  ];
  for (const [folder, orders] of Object.entries(ORDERS)) {
    const rooms = [...new Set(orders.flat())];
    for (const room of rooms) {
      const doors = TYPE_DOORS.filter(({ from }) => folder === 'src' && from === room).map(({ to }) => to);
      const left = rooms.filter((other) => mayImport(orders, room, other));
      rules.push({
        name: `it is not to the left of ${room} in any order of ${folder}`,
        from: { path: inRoom(folder, [room]) },
        to: {
          path: `^${folder}/`,
          pathNot: inRoom(folder, [...left, ...doors, ...(folder === 'src' ? ['index'] : [])]),
        },
      });
      for (const door of doors) {
        rules.push({
          name: `${room} may import only types from ${door}`,
          from: { path: inRoom(folder, [room]) },
          to: { path: inRoom(folder, [door]), dependencyTypesNot: ['type-only'] },
        });
      }
    }
  }
  return rules;
}
