/** The socket of ESP in UDP: held by the foreground of `up`, looked for by `status`. */
import { EncapSocket, type EncapFault } from '../../espinudp.js';
import { ClearDfError } from '../../errors.js';
import { holderText, portHolder } from '../../host/udp-port.js';
import type { Logger } from '../../log.js';
import type { Site } from '../../tunnel/site/site.js';
import type { SocketPlan } from '../../tunnel/carriers/carrier.js';

/** They bind both ports of IKE, 500 and 4500. */
const IKE_DAEMONS = /^(charon|charon-systemd|pluto|iked|racoon)$/;

/**
 * Opens it, so that the kernel takes ESP in UDP from now on.
 * @throws ClearDfError CONFLICT that names who holds the port; ENVIRONMENT, where the kernel has no IPsec
 */
export function openSocket(plan: SocketPlan, site: Site, log: Logger): EncapSocket {
  const socket = open(plan, site);
  socket.on('fault', (fault) => logFault(fault, plan, log));
  log.info(`holding UDP socket ${addressOf(plan)}: the kernel accepts ESP in UDP on it`);
  return socket;
}

function open(plan: SocketPlan, site: Site): EncapSocket {
  try {
    return EncapSocket.open(plan);
  } catch (error) {
    if (!(error instanceof ClearDfError) || error.errno !== 'EADDRINUSE') throw error;
    const holder = portHolder(plan.local, plan.port);
    const name = holder.state === 'held' ? (holder.process?.name ?? '') : '';
    const hint = IKE_DAEMONS.test(name)
      ? `${name} brings ESP in UDP up itself: keys: external leaves it all to that daemon`
      : 'stop it; or take another port, carrier.port here and carrier.remote-port at the other end';
    const object = `${site.place('carrier')} UDP port ${addressOf(plan)}`;
    const reason = `${holderText(holder)} holds it`;
    throw new ClearDfError({ ...error, object, reason, hint: `nothing was changed; ${hint}`, cause: error });
  }
}

/** Closes it, and says what went by. */
export function closeSocket(socket: EncapSocket, log: Logger): void {
  const { keepalives, ike, other, dropped } = socket.stats();
  socket.close();
  const { local, port } = socket.options;
  log.info(
    { keepalives, ike, other, dropped },
    `UDP socket ${local}:${port} is closed: ${keepalives} keepalives sent; ${ike} IKE and ${other} other packets discarded`,
  );
}

export interface SocketStatus {
  /** `192.168.200.1:4500` */
  address: string;
  holder: string;
  ok: boolean;
}

/** Whether a process holds it. Whether UDP_ENCAP is set on it cannot be seen. */
export function socketStatus(plan: SocketPlan): SocketStatus {
  const holder = portHolder(plan.local, plan.port);
  return { address: addressOf(plan), holder: holderText(holder), ok: holder.state === 'held' };
}

export function addressOf({ local, port }: SocketPlan): string {
  return `${local}:${port}`;
}

function logFault(fault: EncapFault, plan: SocketPlan, log: Logger): void {
  const to = `${plan.remote}:${plan.remotePort}`;
  switch (fault.kind) {
    case 'keepalive-refused':
      log.warn(fault, `keepalives to ${to} cannot be sent (${fault.errno}); each is tried in its time`);
      return;
    case 'keepalive-sent':
      log.info(fault, `keepalives to ${to} are sent again`);
      return;
    case 'not-esp':
      log.warn(
        { ...fault, hint: 'an IKE daemon at the other end? With a key file on this end there is none to answer it' },
        `${fault.count} packets from ${fault.from} to ${addressOf(plan)} were no ESP, and are discarded`,
      );
  }
}
