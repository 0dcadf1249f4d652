/**
 * Daemons of IPsec and VPNs for the guests, as one image: fetched, not installed, because this machine wants none of
 * them running and Debian has no two of IPsec's side by side. Of the machine's own suite: the libraries that both have
 * are the system's, whose image lies above this one.
 */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { aptOf, closure, fetchPackages, unpackPackage } from './apt.js';
import { cached, digest, prune } from './cache.js';
import { writeImage } from './image.js';
import { LEFT_OUT, leaveOut, mergeUsr } from './stage.js';
import { ownSuite } from './suites.js';

/** By which the image is known to be out of date when this file changes what it holds. */
const FORMAT = 1;

/** Resolved one by one: strongSwan's and Libreswan's packages conflict by name, not by file. */
const WANTED: readonly (readonly string[])[] = [
  ['strongswan-swanctl', 'charon-systemd', 'strongswan-pki', 'libstrongswan-standard-plugins'],
  ['libreswan', 'libnss3-tools'],
  ['openconnect', 'vpnc-scripts', 'ocserv', 'openvpn', 'openssl', 'conntrack', 'coreutils'],
];
/** What only the packages' own scripts would use, which never run. */
const UNUSED = /^(adduser|debconf|dpkg|passwd|tar|udev|tpm-udev|ssl-cert|libpam-modules(-bin)?|coreutils|iptables)$/;
/** Of packages that are unused otherwise. */
const SINGLE_FILES: Record<string, readonly string[]> = { coreutils: ['usr/bin/install'] };

/** Path of the image; fetched on first use, later runs need no network. */
export async function daemonsImage(): Promise<string> {
  const suite = await ownSuite();
  const rules = [FORMAT, WANTED, String(UNUSED), SINGLE_FILES, LEFT_OUT];
  const folder = await cached(`daemons-${suite}-${digest([JSON.stringify(rules)])}`, async (fresh) => {
    console.error(`lab: fetching Debian's daemons of IPsec and VPNs (${suite})`);
    const { apt } = await aptOf(suite, { name: `daemons-${suite}` });
    const versions = new Map<string, string>();
    for (const names of WANTED) for (const [name, version] of await closure(apt, names)) versions.set(name, version);
    const debs = await fetchPackages(apt, versions, path.join(fresh, 'debs'));
    const root = path.join(fresh, 'root');
    await mkdir(root);
    for (const deb of debs) await unpack(deb, root);
    await mergeUsr(root);
    await leaveOut(root);
    await writeImage(root, path.join(fresh, 'image'));
    await writeFile(path.join(fresh, 'versions.json'), JSON.stringify(Object.fromEntries(versions), null, 2));
    for (const done of ['debs', 'root']) await rm(path.join(fresh, done), { recursive: true });
  });
  await prune('daemons');
  return path.join(folder, 'image');
}

async function unpack(deb: string, root: string): Promise<void> {
  const name = path.basename(deb).split('_')[0] as string;
  if (!UNUSED.test(name)) return unpackPackage(deb, root);
  const files = SINGLE_FILES[name] ?? [];
  if (files.length === 0) return;
  const aside = `${root}.${name}`;
  await unpackPackage(deb, aside);
  for (const file of files) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await cp(path.join(aside, file), path.join(root, file));
  }
  await rm(aside, { recursive: true });
}
