/** Kernel modules: which are there now, and which could be loaded. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';
import { refuseShortage } from '../shortage.js';

/** Where to look; tests have their own. */
export interface ModuleRoots {
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
