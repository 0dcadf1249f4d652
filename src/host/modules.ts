/**
 * Taking kernel modules out again. `modprobe -r ip_gre` deletes the GRE devices of every network namespace without
 * asking, and br_netfilter is wanted by whoever has physdev rules: both go only when nobody is left to miss them.
 */
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { errnoOf, type Runner } from './exec.js';
import { parseLinks } from './read/links.js';
import { readModules } from './read/modules.js';

/** Kinds of devices that go away with a module. */
const KINDS: Record<string, readonly string[]> = { ip_gre: ['gre', 'gretap', 'erspan'], vrf: ['vrf'] };

/** Modules whose use count shows users that the module's own count does not include. */
const USERS: Record<string, string> = { br_netfilter: 'xt_physdev' };

/**
 * Unloads a module that this program has loaded, unless something depends on it.
 * @param apart namespaces, by name, whose devices do not count
 * @returns why it stays, or undefined when it is gone
 */
export async function unloadModule(
  runner: Runner,
  module: string,
  apart: readonly string[] = [],
): Promise<string | undefined> {
  const user = await userOf(runner, module, apart);
  if (user !== undefined) return user;
  try {
    await runner.change('modprobe', ['-r', module]);
  } catch (error) {
    if (error instanceof ClearDfError) return error.reason;
    throw error;
  }
  return !runner.dryRun && readModules().has(module) ? 'it is built in, or in use' : undefined;
}

/** As {@link unloadModule}, for what a probe has loaded: not echoed, and staying is no news. */
export async function unloadTunnels(runner: Runner, module: string, apart: readonly string[]): Promise<void> {
  if ((await userOf(runner, module, apart)) !== undefined) return;
  await runner.query('modprobe', ['-r', module]).catch(() => '');
}

async function userOf(runner: Runner, module: string, apart: readonly string[]): Promise<string | undefined> {
  const counted = USERS[module];
  const uses = counted === undefined ? 0 : useCount(counted);
  if (uses === undefined) return `whether ${counted} is in use cannot be read`;
  if (uses > 0) return `${counted} is in use by ${uses} rules`;
  const kinds = KINDS[module];
  if (kinds === undefined) return undefined;
  const files = namespaces(apart);
  if (files === undefined) return 'which network namespaces there are cannot be read';
  for (const file of files) {
    const links = await linksIn(runner, file);
    if (links === undefined) return `the devices of ${file} cannot be looked at`;
    const device = links.find(({ kind, fallback }) => kind !== undefined && kinds.includes(kind) && !fallback);
    if (device !== undefined) return `${device.name} (${device.kind}) in ${file} needs it`;
  }
  return undefined;
}

/** Undefined where it cannot be read. */
function useCount(module: string): number | undefined {
  try {
    const line = readFileSync('/proc/modules', 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${module} `));
    return Number(line?.split(' ')[2] ?? 0) || 0;
  } catch {
    return undefined;
  }
}

async function linksIn(runner: Runner, file: string) {
  try {
    const text = await runner.query('nsenter', [`--net=${file}`, 'ip', '-d', '-j', 'address', 'show']);
    return parseLinks(text).links;
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}

/** One file for each network namespace that some process is in or that has a name; undefined where they cannot be read. */
function namespaces(apart: readonly string[]): string[] | undefined {
  const files = new Map<number, string>();
  const names = entries('/run/netns');
  const processes = entries('/proc');
  if (names === undefined || processes === undefined) return undefined;
  const named = names.map((name) => path.join('/run/netns', name));
  const ofProcesses = processes.filter((name) => /^\d+$/.test(name));
  for (const file of [...named, ...ofProcesses.map((pid) => `/proc/${pid}/ns/net`)]) {
    const inode = inodeOf(file);
    if (inode !== undefined && !files.has(inode)) files.set(inode, file);
  }
  return [...files.values()].filter((file) => !apart.some((name) => file === path.join('/run/netns', name)));
}

/** Undefined for what is no network namespace, or not ours to see, or just gone. */
function inodeOf(file: string): number | undefined {
  try {
    const isLink = file.startsWith('/proc/');
    if (isLink) return Number(/\d+/.exec(readlinkSync(file))?.[0]);
    const { ino, dev } = statSync(file);
    return dev === statSync('/proc/self/ns/net').dev ? ino : undefined;
  } catch {
    return undefined;
  }
}

function entries(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? [] : undefined;
  }
}
