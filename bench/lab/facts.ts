/** What machine this is, for the record. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { execa } from 'execa';
import type { MachineFacts } from '../record/results.js';
import { PROJECT } from '../../test/helpers/tools.js';

async function firstLine(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa(command, args, { stdin: 'ignore', timeout: 10_000 });
  return stdout.split('\n', 1)[0] as string;
}

/** The value of a line of /proc/cpuinfo; architectures differ in which there are. */
function cpuinfo(key: string): string | undefined {
  return new RegExp(`^${key}\\s*: (.*)$`, 'm').exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim();
}

export async function machineFacts(): Promise<MachineFacts> {
  const { stdout: virtual } = await execa('systemd-detect-virt', ['--vm'], { reject: false, stdin: 'ignore' });
  return {
    cpu: cpuinfo('model name') ?? cpuinfo('CPU implementer') ?? process.arch,
    cores: cpus().length,
    memoryBytes: totalmem(),
    hypervisor: virtual || (/\bhypervisor\b/.test(cpuinfo('flags') ?? '') ? 'yes' : 'none seen'),
    kernel: release(),
    node: process.version,
    iptables: await firstLine('iptables', '--version'),
    nft: await firstLine('nft', '--version'),
  };
}

/** The commit that is measured, with `-dirty` when the tree holds changes; `unknown` outside of a repository. */
export async function commit(): Promise<string> {
  const options = { cwd: PROJECT, reject: false, stdin: 'ignore' } as const;
  const { stdout, failed } = await execa(
    'git',
    ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'],
    options,
  );
  return failed ? 'unknown' : stdout;
}
