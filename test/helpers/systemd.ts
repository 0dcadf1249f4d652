/**
 * Debian's systemd as pid 1 beside a network namespace: over this machine's files (`boot-systemd.sh`), or a whole system's
 * own (`boot-debian.sh`).
 */
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Done, Namespace } from './netns.js';
import type { Running } from './running.js';
import { patient } from './slowness.js';
import { PROJECT } from './tools.js';
import { until } from './until.js';

/** The words of a unit that start this checkout's clear-df. */
export const COMMAND = { node: process.execPath, script: path.join(PROJECT, 'bin/clear-df.cjs') };

export class Systemd {
  private constructor(
    private readonly at: Namespace,
    private readonly pid: number,
    private readonly booted: Running,
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
    return Systemd.#start(at, [], path.join(PROJECT, 'test/helpers/boot-systemd.sh'), scratch, PROJECT);
  }

  /** @param root of `debianSystem()`; what happens in there stays, for another boot */
  static async bootDebian(at: Namespace, root: string): Promise<Systemd> {
    const systemd = await Systemd.#start(at, ['--cgroup'], path.join(PROJECT, 'test/helpers/boot-debian.sh'), root);
    await until('it is up', async () => {
      return /^(running|degraded)$/.test((await systemd.run('systemctl', 'is-system-running')).stdout);
    });
    return systemd;
  }

  static async #start(at: Namespace, more: readonly string[], ...script: readonly string[]): Promise<Systemd> {
    const namespaces = ['--mount', '--pid', '--uts', '--ipc', ...more, '--fork', '--kill-child'];
    const booted = at.spawn('unshare', [...namespaces, 'bash', ...script]);
    const pid = await until('systemd is pid 1', () => {
      if (booted.ended !== undefined) throw new Error(`it did not boot: ${booted.stderr}`);
      const children = readFileSync(`/proc/${booted.pid}/task/${booted.pid}/children`, 'utf8').trim();
      const isPid1 = children !== '' && readlinkSync(`/proc/${children}/exe`).endsWith('/systemd');
      return isPid1 ? Number(children) : undefined;
    });
    const systemd = new Systemd(at, pid, booted);
    await until('systemd answers', async () => (await systemd.run('systemctl', 'list-units')).exitCode === 0);
    return systemd;
  }

  /** Runs a command where that systemd is pid 1. */
  async run(...argv: string[]): Promise<Done> {
    return this.at.try('nsenter', ['-t', String(this.pid), '-m', '-p', '-u', '-i', '-r', '-w', ...argv]);
  }

  /** Waits until it has shut down. */
  async ended(): Promise<void> {
    await this.booted.wait(patient(120_000));
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
