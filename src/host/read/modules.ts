/** Kernel modules: which are there now, and which could be loaded. */
import path from 'node:path';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { ModuleState } from '../../doctor/machine.js';
import { refuseShortage } from '../shortage.js';

/** Where to look; tests have their own. */
interface ModuleRoots {
  proc: string;
  sys: string;
  lib: string;
}

const ROOTS: ModuleRoots = { proc: '/proc', sys: '/sys', lib: '/lib/modules' };

/** Built-in modules that `/sys/module` does not show, and what shows them. */
const SHOWN_BY: Record<string, string> = { br_netfilter: 'sys/net/bridge', nf_conntrack: 'sys/net/netfilter' };

/** Names of the modules that are loaded or built in, with `_` for `-`.
 * @throws ClearDfError RUNTIME when they could not be read for want of descriptors or memory
 */
export function readModules(roots: ModuleRoots = ROOTS): Set<string> {
  const loaded = text(path.join(roots.proc, 'modules')).split('\n').map(firstWord);
  const visible = entries(path.join(roots.sys, 'module'));
  const shown = Object.entries(SHOWN_BY).filter(([, file]) => existsSync(path.join(roots.proc, file)));
  const names = [...loaded, ...visible, ...builtIn(roots), ...shown.map(([name]) => name)];
  return new Set(names.filter((name) => name !== '').map(plain));
}

/**
 * Names of the modules that `modprobe` could load for the running kernel, or undefined when its list is not there.
 * Nothing is loaded. Never throws.
 */
export function loadableModules(roots: ModuleRoots = ROOTS): Set<string> | undefined {
  const file = path.join(roots.lib, release(), 'modules.dep');
  if (!existsSync(file)) return undefined;
  const lines = text(file).split('\n');
  return new Set(lines.map((line) => nameOf(line.split(':')[0] ?? '')).filter((name) => name !== ''));
}

function builtIn({ lib }: ModuleRoots): string[] {
  return text(path.join(lib, release(), 'modules.builtin'))
    .split('\n')
    .map(nameOf);
}

/** `kernel/net/ipv4/ip_gre.ko.xz` → `ip_gre` */
function nameOf(file: string): string {
  return plain(path.basename(file.trim()).replace(/\.ko(\.\w+)?$/, ''));
}

function plain(name: string): string {
  return name.replaceAll('-', '_');
}

function firstWord(line: string): string {
  return line.split(' ', 1)[0] ?? '';
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    refuseShortage(error, file);
    return '';
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    refuseShortage(error, folder);
    return [];
  }
}

/** The options of the kernel's configuration, for kernels that list no modules. */
const OPTIONS: Record<string, string> = {
  nfnetlink_queue: 'NETFILTER_NETLINK_QUEUE',
  xt_NFQUEUE: 'NETFILTER_XT_TARGET_NFQUEUE',
  nft_queue: 'NFT_QUEUE',
  br_netfilter: 'BRIDGE_NETFILTER',
  xt_physdev: 'NETFILTER_XT_MATCH_PHYSDEV',
  xt_u32: 'NETFILTER_XT_MATCH_U32',
  ip_gre: 'NET_IPGRE',
  esp4: 'INET_ESP',
};

export interface Kernel {
  loaded: ReadonlySet<string>;
  /** Undefined without a list of modules. */
  loadable: ReadonlySet<string> | undefined;
  /** Text of the configuration that the kernel was built with, empty when it is not there. */
  config: string;
}

/** What this system says about its kernel. Never throws. */
export function readKernel(): Kernel {
  return { loaded: readModules(), loadable: loadableModules(), config: readConfig() };
}

/** How each module stands. */
export function moduleStates(names: readonly string[], kernel: Kernel): Map<string, ModuleState> {
  return new Map(names.map((name) => [name, stateOf(name, kernel)]));
}

function stateOf(name: string, { loaded, loadable, config }: Kernel): ModuleState {
  if (loaded.has(name)) return 'loaded';
  const option = OPTIONS[name];
  const line =
    option === undefined ? undefined : new RegExp(`^(?:# )?CONFIG_${option}[= ](.*)$`, 'm').exec(config)?.[1];
  if (line === 'y') return 'built-in';
  if (loadable?.has(name)) return 'available';
  if (line === 'is not set' || (option !== undefined && line === undefined && config !== '')) return 'missing';
  // The list of a kernel holds all of its modules, built-in ones are in another, which `loaded` has taken in.
  return loadable === undefined ? 'unknown' : 'missing';
}

function readConfig(): string {
  const packed = '/proc/config.gz';
  const files = ['/boot/config-', '/usr/lib/modules/'].map((start) => start + release());
  try {
    if (existsSync(packed)) return gunzipSync(readFileSync(packed)).toString();
    const plain = [files[0] as string, path.join(files[1] as string, 'config')].find((file) => existsSync(file));
    return plain === undefined ? '' : readFileSync(plain, 'utf8');
  } catch {
    return '';
  }
}
