/**
 * Which parts of the facts a command can have changed, so that no more than those are read again. What it changes by
 * the way (routes that go with a device) shows when everything is read again, at the end.
 */
import type { Command } from '../../tunnel/item.js';
import { SECTIONS, type Section } from '../facts.js';

/** The parts to read again after these commands; all of them after one that is not known here. */
export function changedBy(commands: readonly Command[]): Set<Section> {
  return new Set(commands.flatMap(({ argv, input }) => ofCommand(argv, input ?? '')));
}

function ofCommand(argv: readonly string[], input: string): readonly Section[] {
  const [program, ...args] = argv;
  switch (program) {
    case 'ip':
      return ofIp(args, input);
    case 'bridge':
      return ['links'];
    case 'nft':
      return ['tables'];
    case 'sysctl':
      return ['sysctls'];
    case 'install':
    case 'rm':
      return ['ike'];
    case 'swanctl':
      return ['ike', 'xfrm'];
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
  if (object === 'rule' || object === 'route' || object === 'sr') return ['routes'];
  const devices = ['links', 'sysctls', 'modules'] as const;
  return object === 'link' ? devices : [...devices, 'routes'];
}
