/**
 * IKE daemons, one for each router: namespaces share a file system, so each gets files of its own below
 * `/etc/netns/NAME`, which `ip netns exec` puts over those of `/etc` (ip-netns(8)).
 */
import type { Namespace } from './netns.js';
import type { Running } from './running.js';
import { until } from './until.js';

const LIBRESWAN = '/usr/libexec/ipsec';

/** A running charon, asked by swanctl as on any machine. */
export class Charon {
  private constructor(
    readonly at: Namespace,
    readonly running: Running,
    private readonly log: string,
  ) {}

  /** Starts charon and waits until it answers. */
  static async start(at: Namespace): Promise<Charon> {
    const own = `/etc/netns/${at.name}`;
    const log = `${await at.lab.scratch()}/charon-${at.name}.log`;
    const socket = `socket = unix:///run/${at.name}.vici`;
    const text = [
      'charon {',
      '  load_modular = yes',
      '  plugins {',
      '    include /etc/strongswan.d/charon/*.conf',
      `    vici { ${socket} }`,
      '  }',
      `  filelog { lab { path = ${log}\n default = 1\n flush_line = yes\n } }`,
      '}',
      `swanctl { ${socket} }`,
      '',
    ].join('\n');
    await at.machine.writeFile(`${own}/strongswan.conf`, text);
    await at.machine.writeFile(`${own}/swanctl/swanctl.conf`, 'include conf.d/*.conf\n');
    for (const folder of ['conf.d', 'x509', 'x509ca', 'private', 'pkcs8', 'rsa', 'ecdsa']) {
      await at.machine.run(['mkdir', '-p', `${own}/swanctl/${folder}`]);
    }
    const running = at.spawn('charon-systemd');
    const charon = new Charon(at, running, log);
    await until(
      `charon answers in ${at.name}`,
      async () => {
        if (running.ended) throw new Error(`charon ended: ${running.stderr}\n${await charon.words()}`);
        return (await at.try('swanctl', ['--stats'])).exitCode === 0;
      },
      60_000,
    );
    return charon;
  }

  /** Everything that it has logged. */
  async words(): Promise<string> {
    return (await this.at.machine.run(['cat', this.log])).stdout;
  }

  /** How often a line was logged that matches. */
  async count(pattern: RegExp): Promise<number> {
    return (await this.words()).split('\n').filter((line) => pattern.test(line)).length;
  }

  async stop(): Promise<void> {
    await this.running.stop();
  }
}

/** A running pluto with the connections of `/etc/ipsec.d`. */
export class Pluto {
  private constructor(
    readonly at: Namespace,
    readonly running: Running,
    private readonly folder: string,
  ) {}

  /**
   * Starts pluto with one connection, which has to be `auto=ondemand`, and waits until its policy is there.
   * @param connection text of ipsec.conf(5)
   * @param secrets text of ipsec.secrets(5)
   */
  static async start(at: Namespace, connection: string, secrets: string): Promise<Pluto> {
    const folder = `${await at.lab.scratch()}/pluto`;
    const file = (name: string) => `${folder}/${name}`;
    await at.machine.writeFile(file('ipsec.conf'), `config setup\n\n${connection}`);
    await at.machine.writeFile(file('ipsec.secrets'), secrets, 0o600);
    for (const name of ['nss', 'run']) await at.machine.run(['mkdir', '-p', file(name)]);
    await at.exec('certutil', ['-N', '-d', `sql:${file('nss')}`, '--empty-password']);
    const running = at.spawn(`${LIBRESWAN}/pluto`, [
      ...['--nofork', '--stderrlog', '--rundir', file('run'), '--nssdir', file('nss')],
      ...['--config', file('ipsec.conf'), '--secretsfile', file('ipsec.secrets')],
    ]);
    const pluto = new Pluto(at, running, folder);
    await running.says(/listening for IKE messages|adding interface|forgetting secrets/, 60_000).catch(() => undefined);
    const added = await at.try(`${LIBRESWAN}/addconn`, [
      ...['--config', file('ipsec.conf'), '--ctlsocket', file('run/pluto.ctl'), '--autoall'],
    ]);
    if (added.exitCode !== 0) throw new Error(`addconn: ${added.stdout}${added.stderr}\n${running.stderr}`);
    return pluto;
  }

  async whack(...args: string[]): Promise<string> {
    const { stdout, stderr } = await this.at.try(`${LIBRESWAN}/whack`, [
      ...['--ctlsocket', `${this.folder}/run/pluto.ctl`, ...args],
    ]);
    return `${stdout}${stderr}`;
  }
}
