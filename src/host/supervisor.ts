/** What a run reports to systemd, by sd_notify(3): that it is ready, reloads, ends, and still lives. */
import type { Logger } from '../log.js';
import { native } from '../native.js';
import { errnoName } from '../native/errno.js';

/** Silent where no supervisor listens. */
export class Supervisor {
  #alive = false;
  #complained = false;

  private constructor(
    private readonly log: Logger,
    private readonly socket: string | undefined,
    /** Milliseconds between two signs of life; undefined: none are wanted. */
    private readonly interval: number | undefined,
  ) {}

  /** Takes what systemd has left in the environment, so that no program that is started from here speaks for this one. */
  static take(log: Logger, environment: NodeJS.ProcessEnv = process.env): Supervisor {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: limit = '', WATCHDOG_PID: pid } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    const ours = /^[1-9]\d{0,14}$/.test(limit) && (pid === undefined || pid === String(process.pid));
    // Half of the limit, as sd_watchdog_enabled(3) advises.
    return new Supervisor(log, socket, ours ? Number(limit) / 2000 : undefined);
  }

  /** Everything is set up. @param status one line for `systemctl status` */
  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${status}`);
    if (this.socket === undefined || this.interval === undefined || this.#alive) return;
    this.#alive = true;
    setInterval(() => this.#tell('WATCHDOG=1'), this.interval).unref();
  }

  /** The file is read again; {@link ready} says when that is over. */
  reloading(): void {
    this.#tell('RELOADING=1');
  }

  /** The end has begun. The signs of life go on: it may take a while. */
  stopping(): void {
    this.#tell('STOPPING=1');
  }

  #tell(lines: string): void {
    if (this.socket === undefined) return;
    const errno = native().notify(this.socket, lines);
    if (errno === 0 || this.#complained) return;
    this.#complained = true;
    const what = lines.split('\n', 1)[0];
    this.log.warn({ socket: this.socket }, `${what} could not be sent to systemd (${errnoName(errno)})`);
  }
}
