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
      `  filelog { lab { path = ${log}\n default = 1\n time_format = %s\n flush_line = yes\n } }`,
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

/** A running pluto with one connection. */
export class Pluto {
  private constructor(
    readonly at: Namespace,
    readonly running: Running,
  ) {}

  /**
   * Starts pluto with what `clear-df tunnel ike FILE --libreswan --with-secret` printed, and waits until its policy is
   * there (`auto=ondemand`).
   */
  static async start(at: Namespace, text: string): Promise<Pluto> {
    const folder = `${await at.lab.scratch()}/pluto`;
    const file = (name: string): string => `${folder}/${name}`;
    const secret = text.split('\n').findIndex((line) => line.includes('.secrets'));
    const [connection, secrets] = [text.split('\n').slice(0, secret), text.split('\n').slice(secret)];
    const setup = `config setup\n    nssdir=${file('nss')}\n    dumpdir=${file('run')}\n\n`;
    await at.machine.writeFile(file('ipsec.conf'), `${setup}${connection.join('\n')}\n`);
    // What is behind the line is what to do next.
    const line = secrets.find((one) => one.includes(' : PSK ')) ?? '';
    await at.machine.writeFile(file('ipsec.secrets'), `${line}\n`, 0o600);
    for (const name of ['nss', 'run']) await at.machine.run(['mkdir', '-p', file(name)]);
    await at.exec('certutil', ['-N', '-d', `sql:${file('nss')}`, '--empty-password']);
    const running = at.spawn(`${LIBRESWAN}/pluto`, [
      ...['--nofork', '--stderrlog', '--rundir', file('run'), '--nssdir', file('nss')],
      ...['--config', file('ipsec.conf'), '--secretsfile', file('ipsec.secrets')],
    ]);
    const pluto = new Pluto(at, running);
    const socket = ['--ctlsocket', file('run/pluto.ctl')];
    await until(
      `pluto answers in ${at.name}`,
      async () => {
        if (running.ended) throw new Error(`pluto ended: ${running.stderr}`);
        return (await at.try(`${LIBRESWAN}/whack`, [...socket, '--briefstatus'])).exitCode === 0;
      },
      60_000,
    );
    await at.exec(`${LIBRESWAN}/whack`, [...socket, '--listen']);
    const added = await at.try(`${LIBRESWAN}/addconn`, ['--config', file('ipsec.conf'), ...socket, '--autoall']);
    if (added.exitCode !== 0) throw new Error(`addconn: ${added.stdout}${added.stderr}\n${running.stderr}`);
    return pluto;
  }

  /** Everything that it has logged. */
  get words(): string {
    return this.running.stderr;
  }

  async stop(): Promise<void> {
    await this.running.stop();
  }
}
