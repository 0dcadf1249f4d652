/**
 * Which parts of the facts a command can have changed, so that no more than those are read again. What it changes by
 * the way (routes that go with a device) shows when everything is read again, at the end.
 */
import type { Command, Condition } from '../../tunnel/item.js';
import { SECTIONS, type Section } from '../facts.js';

/** The parts to read again after these commands; all of them after one that is not known here. */
export function changedBy(commands: readonly Command[]): Set<Section> {
  return new Set(commands.flatMap(({ argv, input }) => ofCommand(argv, input ?? '')));
}

/** Kinds that no other item of a plan changes, nor reads: what came of several is looked at once, behind the last. */
const ALONE: ReadonlySet<string> = new Set(['xfrm-state', 'xfrm-policy', 'xfrm-guard', 'xfrm-pass', 'xfrm-block']);

/** @param kind of an item */
export function standsAlone(kind: string): boolean {
  return ALONE.has(kind);
}

/** The parts to read before a command that depends on this. */
export function neededBy({ sysctls, noBridgeCalls, noPorts, noRoutesWith }: Condition): Section[] {
  return [
    ...(sysctls === undefined ? [] : (['sysctls'] as const)),
    ...(noBridgeCalls === undefined && noPorts === undefined ? [] : (['links'] as const)),
    ...(noRoutesWith === undefined ? [] : (['routes'] as const)),
  ];
}

function ofCommand(argv: readonly string[], input: string): readonly Section[] {
  const [program, ...args] = argv;
  switch (program) {
    case 'ip':
      return ofIp(args, input);
    case 'bridge':
      return ['links', 'fdb'];
    case 'nft':
      return ['tables'];
    case 'sysctl':
      return ['sysctls'];
    case 'install':
    case 'rm':
      return ['ike'];
    case 'swanctl':
      return ['ike', 'xfrm'];
    case 'clear-df':
      return ['fast-path'];
    case 'modprobe':
      return ['modules', 'links', 'sysctls'];
    default:
      return SECTIONS;
  }
}

/** A device that comes may bring a module, and parameters of its own. */
function ofIp(args: readonly string[], input: string): readonly Section[] {
  const object = args.find((word) => !word.startsWith('-'));
  if (object === 'xfrm' || input.startsWith('xfrm ')) return ['xfrm'];
  if (object === 'sr') return ['tunsrc'];
  // Both decide which device leads to the other end.
  if (object === 'rule') return ['rules', 'paths'];
  if (object === 'route') return ['routes', 'paths'];
  const devices = ['links', 'sysctls', 'modules'] as const;
  if (object === 'l2tp' || input.startsWith('l2tp ')) return ['l2tp', ...devices];
  if (object === 'link') return devices;
  return object === 'address' ? [...devices, 'routes', 'paths'] : SECTIONS;
}
