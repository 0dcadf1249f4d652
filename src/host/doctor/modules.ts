/** Modules: loaded, built in, to be loaded, or not in this kernel. Nothing is loaded to find out. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ModuleState } from '../../doctor/machine.js';
import { loadableModules, readModules } from '../facts/modules.js';

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

/** What this system tells about its kernel. Never throws. */
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
