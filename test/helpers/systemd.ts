/** Debian's systemd as pid 1 beside a network namespace, over this machine's files: `boot-systemd.sh`. */
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Done, Namespace } from './netns.js';
import { PROJECT } from './tools.js';
import { until } from './until.js';

/** The words of a unit that start this checkout's clear-df. */
export const COMMAND = { node: process.execPath, script: path.join(PROJECT, 'bin/clear-df.cjs') };

export class Systemd {
  private constructor(
    private readonly at: Namespace,
    private readonly pid: number,
  ) {}

  /**
   * Ends with the namespace's lab.
   * @param units texts by name; a watchdog's 30 seconds become five
   * @param etc texts by name, in /etc/clear-df
   */
  static async boot(at: Namespace, units: Record<string, string>, etc: Record<string, string>): Promise<Systemd> {
    const scratch = path.join(await at.lab.scratch(), `systemd-${at.name}`);
    for (const folder of ['units', 'etc', 'over']) mkdirSync(path.join(scratch, folder), { recursive: true });
    for (const [name, text] of Object.entries(units)) {
      writeFileSync(path.join(scratch, 'units', name), text.replace(/WatchdogSec=\d+/, 'WatchdogSec=5'));
    }
    for (const [name, text] of Object.entries(etc)) writeFileSync(path.join(scratch, 'etc', name), text);
    const boot = path.join(PROJECT, 'test/helpers/boot-systemd.sh');
    const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
    const booted = at.spawn('unshare', [...namespaces, 'bash', boot, scratch, PROJECT]);
    const pid = await until('systemd is pid 1', () => {
      if (booted.ended !== undefined) throw new Error(`it did not boot: ${booted.stderr}`);
      const children = readFileSync(`/proc/${booted.pid}/task/${booted.pid}/children`, 'utf8').trim();
      const isPid1 = children !== '' && readlinkSync(`/proc/${children}/exe`).endsWith('/systemd');
      return isPid1 ? Number(children) : undefined;
    });
    const systemd = new Systemd(at, pid);
    await until('systemd answers', async () => (await systemd.run('systemctl', 'list-units')).exitCode === 0);
    return systemd;
  }

  /** Runs a command where that systemd is pid 1. */
  async run(...argv: string[]): Promise<Done> {
    return this.at.try('nsenter', ['-t', String(this.pid), '-m', '-p', '-u', '-i', '-r', '-w', ...argv]);
  }

  /** What the services have written. */
  async log(): Promise<string> {
    return (await this.run('cat', '/run/out')).stdout;
  }

  async systemctl(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run('systemctl', ...args);
    if (exitCode !== 0) throw new Error(`systemctl ${args.join(' ')}: ${stderr}\n${await this.log()}`);
    return stdout;
  }

  async property(unit: string, name: string): Promise<string> {
    return this.systemctl('show', '--property', name, '--value', unit);
  }

  /** Ends its process with a signal, after which it has to run again. */
  async survives(unit: string, signal: 'KILL' | 'STOP'): Promise<void> {
    const before = await this.property(unit, 'MainPID');
    await this.run('kill', `-${signal}`, before);
    await until(`${unit} runs again after SIG${signal}`, async () => {
      const now = await this.property(unit, 'MainPID');
      return now !== '0' && now !== before && (await this.property(unit, 'ActiveState')) === 'active';
    });
  }
}
