/** Commands that mend what is wrong, each with what takes it back. Pure. */
import { quoteWord, replayText } from '../net/replay.js';
import type { Device, Machine } from './machine.js';

/** A command and its arguments. */
export type Words = readonly [command: string, ...args: string[]];

/** Commands in their order, as they can be run without a shell. */
export interface Fix {
  commands: readonly Words[];
  /**
   * What takes them back, in its own order, given what they printed; none where nothing stays behind. Where that is not
   * known: what shows it.
   */
  undo: (printed: readonly string[]) => readonly Words[] | { look: Words };
}

/** As a person can paste it into a shell. */
export function fixText({ commands }: Pick<Fix, 'commands'>): string {
  return commands.map(([command, ...args]) => replayText(command, args)).join(' && ');
}

/** One command that another takes back. */
function fixOf(command: Words, ...undo: readonly Words[]): Fix {
  return { commands: [command], undo: () => undo };
}

/** A kernel parameter by its key with slashes. In `net.ipv4.conf.eth0.100` the last dot would be a folder. */
export function setParameter({ sysctls }: Pick<Machine, 'sysctls'>, key: string, value: number): Fix {
  const before = sysctls.get(key);
  const name = key.includes('.') ? key : key.replaceAll('/', '.');
  const write = (to: number | string): Words => ['sysctl', '-w', `${name}=${to}`];
  return fixOf(write(value), ...(before === undefined ? [] : [write(before)]));
}

/** Frames of bridges in iptables, with the module that hands them there where it is not loaded. */
export function callIptables(machine: Pick<Machine, 'sysctls'>, key: string): Fix {
  const { commands, undo } = setParameter(machine, key, 1);
  if (machine.sysctls.has(key)) return { commands, undo };
  return {
    commands: [['modprobe', 'br_netfilter'], ...commands],
    undo: () => [['modprobe', '-r', 'br_netfilter']],
  };
}

/** A device's MTU in bytes. */
export function setMtu({ name, mtu }: Pick<Device, 'name' | 'mtu'>, bytes: number): Fix {
  return fixOf(['ip', 'link', 'set', name, 'mtu', String(bytes)], ['ip', 'link', 'set', name, 'mtu', String(mtu)]);
}

/** A device that is down. */
export function switchOn(name: string): Fix {
  return fixOf(['ip', 'link', 'set', name, 'up'], ['ip', 'link', 'set', name, 'down']);
}

/** A rule before all others of a chain of iptables. */
export function insertIptables(tool: string, chain: string, words: readonly string[]): Fix {
  return fixOf([tool, '-I', chain, ...words], [tool, '-D', chain, ...words]);
}

/** A rule before all others of a chain of nft, `FAMILY TABLE CHAIN`. nft says which handle it got. */
export function insertNft(chain: string, rule: string): Fix {
  return {
    commands: [['nft', '-ae', `insert rule ${chain} ${rule}`]],
    undo: ([printed = '']) => {
      const handle = /# handle (\d+)/.exec(printed)?.[1];
      if (handle === undefined) return { look: ['nft', '-a', 'list', 'chain', ...chain.split(' ')] };
      return [['nft', `delete rule ${chain} handle ${handle}`]];
    },
  };
}

/** A rule of nft by another text in its place. */
export function replaceNft(chain: string, handle: number, before: string, after: string): Fix {
  const replace = (text: string): Words => ['nft', `replace rule ${chain} handle ${handle} ${text}`];
  return fixOf(replace(after), replace(before));
}

/** What makes no difference that could be taken back: what was learnt is learnt again. */
export function forgetLearnt(): Fix {
  return fixOf(['ip', 'route', 'flush', 'cache']);
}

/** The VLAN that a port of a bridge does not carry. */
export function addVlan(port: string, vlan: number): Fix {
  const words = ['dev', port, 'vid', String(vlan)];
  return fixOf(['bridge', 'vlan', 'add', ...words], ['bridge', 'vlan', 'del', ...words]);
}

/** Bytes of the largest IPv4 GSO packet of a device. */
export function setGsoSize({ name, gsoIpv4MaxSize }: Device, bytes: number): Fix {
  const set = (size: number): Words => ['ip', 'link', 'set', 'dev', name, 'gso_ipv4_max_size', String(size)];
  return fixOf(set(bytes), ...(gsoIpv4MaxSize === undefined ? [] : [set(gsoIpv4MaxSize)]));
}

/**
 * `clear-df tunnel up FILE`: for a person to run, since with a queue it stays in the foreground.
 * @param options setupOnly: it returns, and another process may be running for the tunnel
 */
export function upCommand({ file }: { file: string }, { setupOnly = false } = {}): string {
  return `clear-df tunnel up ${setupOnly ? '--setup-only ' : ''}${quoteWord(file)}`;
}
