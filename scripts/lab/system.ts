/**
 * What every guest has beside clear-df: the programs that the stories use, and the files these read. Those of this
 * machine; in a guest of another architecture Debian's, of the same release.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { nodeBinary } from '../node-binary.js';
import { debianRoot } from '../target.js';
import { type Architecture, ARCHITECTURES, named } from './architecture.js';
import { cached, digest, PROJECT, prune } from './cache.js';
import { writeImage } from './image.js';
import { contents, copyIn, filesBelow, findPrograms, leaveOut, librariesOf, mergeUsr, stagePrograms } from './stage.js';
import { ownSuite } from './suites.js';

/** By which the image is known to be out of date when this file changes what it holds. */
const FORMAT = 1;

const PROGRAMS = [
  ...['ip', 'bridge', 'tc', 'ss', 'nstat', 'ethtool', 'ping', 'tcpdump', 'iperf3', 'nft', 'sysctl'],
  ...['xtables-legacy-multi', 'xtables-nft-multi', 'kmod', 'taskset', 'setpriv', 'unshare', 'nsenter', 'capsh'],
  ...['bash', 'setarch', 'flock', 'timeout', 'stdbuf', 'env', 'ps', 'wg'],
];
/** Where the programs and what the addons load come from, on a machine that has none of them. */
const PACKAGES = [
  ...['iproute2', 'ethtool', 'iputils-ping', 'tcpdump', 'iperf3', 'nftables', 'procps', 'iptables', 'kmod', 'netbase'],
  ...['util-linux', 'libcap2-bin', 'bash', 'coreutils', 'wireguard-tools', 'busybox-static'],
  ...['libnetfilter-queue1', 'libstdc++6'],
];
/** Its libraries are needed, it is not part of the image. */
const ADDON = path.join(PROJECT, 'build/Release/clear_df.node');
const BUSYBOX = '/usr/bin/busybox';
/** What a stock Debian has behind the names without a variant. */
const LINKS: Record<string, string> = Object.fromEntries([
  ...['modprobe', 'lsmod', 'modinfo', 'insmod', 'rmmod', 'depmod'].map((name) => [name, 'kmod']),
  ...['iptables', 'ip6tables'].flatMap((name) =>
    ['', '-save', '-restore'].flatMap((verb) => [
      [`${name}${verb}`, 'xtables-nft-multi'],
      [`${name}-nft${verb}`, 'xtables-nft-multi'],
      [`${name}-legacy${verb}`, 'xtables-legacy-multi'],
    ]),
  ),
  ...['ebtables', 'ebtables-nft', 'ebtables-save', 'ebtables-restore', 'arptables'].map((name) => [
    name,
    'xtables-nft-multi',
  ]),
] as [string, string][]);
const FILES = ['/etc/protocols', '/etc/services', '/etc/ethertypes', '/etc/os-release'];
const FOLDERS = ['/etc/iproute2'];
const TEXTS: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost\n',
  'etc/hostname': 'guest\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\nprotocols: files\nservices: files\n',
  // As on any machine with a systemd: clear-df's own answers to it belong to the stories.
  'etc/machine-id': '00000000000000000000000000000001\n',
};

/** The image's path. */
export async function systemImage(architecture: Architecture): Promise<string> {
  return architecture === process.arch ? ownImage() : debianImage(architecture);
}

/** Busybox of an architecture, one static file. */
export async function busybox(architecture: Architecture): Promise<string> {
  if (architecture === process.arch) return BUSYBOX;
  const root = await debianSystem(architecture);
  return ['usr/bin', 'bin'].map((folder) => path.join(root, folder, 'busybox')).find(existsSync) ?? BUSYBOX;
}

/** Made anew when one of the machine's files has changed. */
async function ownImage(): Promise<string> {
  const programs = findPrograms(PROGRAMS);
  const node = await realpath(process.execPath);
  const extensions = await xtables();
  const roots = [...new Set(await Promise.all([...programs.values()].map((file) => realpath(file))))];
  const libraries = await librariesOf([...roots, node, ...extensions, ADDON]);
  const files = FILES.filter((file) => existsSync(file));
  const folders = (await Promise.all(FOLDERS.filter((one) => existsSync(one)).map(filesBelow))).flat();
  const whole = [...roots, BUSYBOX, node, ...extensions, ...libraries, ...files, ...folders];
  const texts = [String(FORMAT), JSON.stringify([LINKS, TEXTS, process.execPath])];
  const folder = await cached(`system-${digest([...texts, ...(await contents(whole))])}`, async (fresh) => {
    console.error('lab: making the image of the system');
    const root = path.join(fresh, 'root');
    await stageLayout(root);
    await copyIn(root, [...whole]);
    await stagePrograms(root, programs);
    await stagePrograms(root, new Map([[path.basename(process.execPath), process.execPath]]));
    if (!existsSync(path.join(root, 'usr/bin/node'))) await symlink(node, path.join(root, 'usr/bin/node'));
    await stageLinks(root);
    await stageBusybox(root);
    await writeImage(root, path.join(fresh, 'image'));
  });
  await prune('system');
  return path.join(folder, 'image');
}

async function debianSystem(architecture: Architecture): Promise<string> {
  return debianRoot(await ownSuite(), ARCHITECTURES[architecture].debian, PACKAGES);
}

/** Of Debian's packages, and the Node of the same version that npm has. */
async function debianImage(architecture: Architecture): Promise<string> {
  const packages = await debianSystem(architecture);
  const node = await nodeBinary(architecture, process.versions.node.split('.')[0] as string);
  const texts = [String(FORMAT), JSON.stringify([LINKS, TEXTS]), packages, ...(await contents([node]))];
  const folder = await cached(`${named('system', architecture)}-${digest(texts)}`, async (fresh) => {
    console.error(`lab: making the image of the system of ${architecture}`);
    const root = path.join(fresh, 'root');
    await execa('cp', ['-a', packages, root]);
    await mergeUsr(root);
    await leaveOut(root);
    // Of base-files, which some of them need.
    for (const made of ['var/run', 'etc/mtab']) await rm(path.join(root, made), { recursive: true, force: true });
    await stageLayout(root);
    await copyIn(root, ['/etc/os-release']);
    await cp(node, path.join(root, 'usr/bin/node'));
    await stageLinks(root);
    await stageBusybox(root);
    await writeImage(root, path.join(fresh, 'image'));
  });
  await prune('system');
  return path.join(folder, 'image');
}

async function stageLinks(root: string): Promise<void> {
  for (const [name, target] of Object.entries(LINKS)) {
    const link = path.join(root, 'usr/sbin', name);
    const there = existsSync(path.join(root, 'usr/sbin', target)) ? target : `../bin/${target}`;
    if (!existsSync(link)) await symlink(there, link);
  }
}

async function xtables(): Promise<string[]> {
  const { stdout } = await execa('dpkg-query', ['-L', 'libxtables12', 'iptables'], { reject: false });
  const libraries = stdout.split('\n').filter((file) => /\/xtables\/\w+\.so$/.test(file));
  if (libraries.length === 0) throw new Error("iptables's extensions (xtables/*.so) were not found: run scripts/setup");
  return libraries;
}

async function stageLayout(root: string): Promise<void> {
  for (const folder of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'dev', 'proc', 'sys', 'run', 'tmp', 'root']) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  for (const folder of ['etc', 'var/lib', 'var/log', 'opt', 'mnt'])
    await mkdir(path.join(root, folder), { recursive: true });
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${folder}`, path.join(root, folder));
  await symlink('/run', path.join(root, 'var/run'));
  await symlink('/proc/mounts', path.join(root, 'etc/mtab'));
  for (const [file, text] of Object.entries(TEXTS)) await writeFile(path.join(root, file), text);
}

/** Busybox stands in for every program that was not copied: cat, sh, ls, sleep… */
async function stageBusybox(root: string): Promise<void> {
  const { stdout } = await execa(BUSYBOX, ['--list']);
  for (const applet of stdout.split('\n').filter(Boolean)) {
    const taken = ['usr/bin', 'usr/sbin'].some(
      (folder) => existsSync(path.join(root, folder, applet)) || applet in LINKS,
    );
    if (!taken) await symlink('busybox', path.join(root, 'usr/bin', applet));
  }
}
