/** Kernel parameters that a tunnel has to do with, read all at once. */
import path from 'node:path';
import { readdirSync, readFileSync } from 'node:fs';
import { refuseShortage } from '../shortage.js';
import { readSysctl } from '../sysctl.js';

/** Whole folders, without those below them. */
const FOLDERS = ['net/bridge', 'net/ipv4', 'net/vrf'];

/** In folders of which only some is of interest. */
const SINGLE = /^(xfrm_|fb_tunnels_)/;

/**
 * Values by name with slashes (`net/bridge/bridge-nf-call-iptables`): `net/bridge`, `net/ipv4` and `net/vrf`, those of
 * the devices, and some of `net/core`. What this user may not read is not among them.
 * @param devices whose `conf` folders are read, beside `all` and `default`
 * @throws ClearDfError RUNTIME when they could not be read for want of descriptors or memory
 */
export function readSysctls(devices: readonly string[], root = '/proc/sys'): Map<string, string> {
  const names = [...new Set(['all', 'default', ...devices])];
  const keys = [
    ...[...FOLDERS, ...names.map((name) => `net/ipv4/conf/${name}`)].flatMap((folder) => filesIn(root, folder)),
    ...filesIn(root, 'net/core').filter((key) => SINGLE.test(path.basename(key))),
    ...names.map((name) => `net/ipv6/conf/${name}/disable_ipv6`),
  ];
  const values = new Map<string, string>();
  for (const key of keys) {
    const value = valueOf(path.join(root, key));
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

function filesIn(root: string, folder: string): string[] {
  try {
    const entries = readdirSync(path.join(root, folder), { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => `${folder}/${name}`);
  } catch (error) {
    refuseShortage(error, folder);
    return [];
  }
}

function valueOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    refuseShortage(error, file);
    return undefined;
  }
}

const MORE = [
  'net/core/rmem_max',
  'net/ipv6/conf/all/forwarding',
  'net/netfilter/nf_conntrack_count',
  'net/netfilter/nf_conntrack_max',
];

/** What the doctor asks about, by name with slashes; what cannot be read is not among them. Never throws. */
export function readParameters(devices: readonly string[]): Map<string, string> {
  const values = readSysctls(devices);
  for (const key of MORE) {
    const value = readOne(key);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}

function readOne(key: string): string | undefined {
  try {
    return readSysctl(key);
  } catch {
    return undefined;
  }
}
