/** What `up` goes on with once the tunnel is set up: the mangler, the socket of ESP in UDP, addresses that may change. */
import type { EncapSocket } from '../../espinudp.js';
import type { Logger } from '../../log.js';
import type { Run } from '../run.js';
import { closeSocket } from './socket.js';

export class Foreground {
  constructor(
    private readonly log: Logger,
    private readonly service: Run | undefined,
    private readonly socket: EncapSocket | undefined,
    /** Addresses that are looked up, in words; empty without. */
    private readonly follows: string,
  ) {}

  /** HUP: looks at the rules, where there are some. */
  reload(): void {
    if (this.service === undefined) this.log.info('HUP: there are no rules to look at');
    else void this.service.reload();
  }

  /** What nobody does any more after {@link stop}, for people. */
  get missing(): string {
    const parts = [this.service && 'mangles', this.socket && 'takes ESP in UDP'];
    const follows = this.follows === '' ? undefined : `follows ${this.follows}`;
    return `nothing ${[...parts, follows].filter((part) => part !== undefined).join(' or ')}`;
  }

  /** The socket last: what the queue still holds may yet be answered. @throws ClearDfError of the mangler's end */
  async stop(reason: string): Promise<void> {
    try {
      await this.service?.stop(reason);
    } finally {
      if (this.socket !== undefined) closeSocket(this.socket, this.log);
    }
  }
}
