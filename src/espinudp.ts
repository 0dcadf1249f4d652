/**
 * `EncapSocket`: the UDP socket without which the kernel takes no ESP in UDP (RFC 3948). Opens, sends keepalives,
 * counts, reports rare faults, closes. ESP stays in the kernel.
 */
import { EventEmitter } from 'node:events';
import * as z from 'zod';
import { ClearDfError, optionError } from './errors.js';
import { errnoName } from './native/errno.js';
import { type NativeEspInUdp, type NativeEspInUdpError, type NativeEspInUdpOptions, native } from './native.js';
import { IPV4_HOST_FORM, readIpv4Host } from './net/address.js';

/** RFC 3948 §2: IKE's and ESP's own when there is a NAT. */
const ESP_IN_UDP_PORT = 4500;
/** Seconds, RFC 3948 §4. */
const KEEPALIVE = 20;
const KEEPALIVE_MAX = 86_400;

/** Keepalives are on time to within this, and what is not ESP waits so long to be discarded. */
const TEND_MS = 500;
/** Packets that are not ESP are reported so often at most. */
const STRANGER_MS = 60_000;

const host = z.string().refine((text) => readIpv4Host(text) === text);
const port = z.int().min(1).max(65_535);

const encapOptions = z.strictObject({
  local: host,
  port: port.default(ESP_IN_UDP_PORT),
  remote: host,
  remotePort: port.default(ESP_IN_UDP_PORT),
  keepalive: z.int().min(0).max(KEEPALIVE_MAX).default(KEEPALIVE),
} satisfies Record<keyof EncapOptions, z.ZodType>) satisfies z.ZodType<unknown, EncapOptions>;

const ACCEPTED: Record<string, string> = {
  local: IPV4_HOST_FORM,
  port: 'a UDP port, 1-65535',
  remote: IPV4_HOST_FORM,
  remotePort: 'a UDP port, 1-65535',
  keepalive: `seconds, 0-${KEEPALIVE_MAX}; 0: none are sent`,
};

/** Options of {@link EncapSocket.open}. */
export interface EncapOptions {
  /** Address of this host, or `0.0.0.0`. */
  local: string;
  /** UDP port. Default: 4500. */
  port?: number | undefined;
  /** The other router, whom keepalives go to. */
  remote: string;
  /** Default: 4500. */
  remotePort?: number | undefined;
  /** Seconds between two keepalives; 0: none are sent. Default: 20. */
  keepalive?: number | undefined;
}

/** What went through the socket's user side. The other end's keepalives are not among it: the kernel eats them. */
export interface EncapStats {
  /** Keepalives sent. */
  keepalives: number;
  /** Keepalives that the kernel did not send. */
  refused: number;
  /** Packets with the non-ESP marker (IKE, RFC 3948 §2.2), discarded. */
  ike: number;
  /** Packets that are neither ESP nor IKE nor a keepalive, discarded. */
  other: number;
  /** Packets that the kernel dropped before: too many at once, or with a wrong checksum. */
  dropped: number;
}

/** A rare event. */
export interface EncapFault {
  /** `keepalive-refused`: from now on none is sent; `keepalive-sent`: again; `not-esp`: someone speaks IKE here. */
  kind: 'keepalive-refused' | 'keepalive-sent' | 'not-esp';
  /** Of a refusal. */
  errno?: string;
  /** Who sent the last packet that was not ESP. */
  from?: string;
  /** Packets of this kind since the last report of it. */
  count: number;
}

/** A bound socket; holds the process alive until closed. */
export class EncapSocket extends EventEmitter<{ fault: [EncapFault] }> {
  readonly #native: NativeEspInUdp;
  readonly #timer: NodeJS.Timeout;
  /** The last keepalive's. */
  #errno = 0;
  #refused = 0;
  #strangers = 0;
  #toldAt = -Infinity;

  private constructor(readonly options: Readonly<NativeEspInUdpOptions>) {
    super();
    this.#native = new (native().EspInUdp)(options);
    this.#timer = setInterval(() => this.#tend(), TEND_MS);
    // After the caller has had the chance to listen.
    process.nextTick(() => this.#tend());
  }

  /**
   * Opens the socket; the first keepalive leaves at once. From now on the kernel takes ESP in UDP on this port.
   * @throws ClearDfError USAGE for a refused option, CONFLICT when the port is taken, ENVIRONMENT when the
   * address is not this host's or the kernel has no IPsec
   */
  static open(options: EncapOptions): EncapSocket {
    const parsed = encapOptions.safeParse(options);
    if (!parsed.success) {
      throw optionError(parsed.error.issues[0], options, ACCEPTED, "{ local: '0.0.0.0', remote: '172.16.0.1' }");
    }
    try {
      return new EncapSocket(parsed.data);
    } catch (error) {
      throw explainFailure(error as NativeEspInUdpError, parsed.data);
    }
  }

  /** A reading of every counter; still there after {@link close}. */
  stats(): EncapStats {
    this.#native.tend();
    const { keepalives, refused, ike, other, dropped } = this.#native.counts();
    return { keepalives, refused, ike, other, dropped };
  }

  /** Closes the socket: ESP in UDP is answered with port unreachable from now on. Safe to call twice. */
  close(): void {
    clearInterval(this.#timer);
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #tend(): void {
    this.#native.tend();
    const { errno, refused, ike, other, from } = this.#native.counts();
    if ((errno === 0) !== (this.#errno === 0)) {
      const count = refused - this.#refused;
      [this.#refused, this.#errno] = [refused, errno];
      this.#report(
        errno === 0 ? { kind: 'keepalive-sent', count } : { kind: 'keepalive-refused', errno: errnoName(errno), count },
      );
    }
    this.#errno = errno;
    const now = performance.now();
    const strangers = ike + other;
    if (strangers === this.#strangers || now - this.#toldAt < STRANGER_MS) return;
    const count = strangers - this.#strangers;
    [this.#strangers, this.#toldAt] = [strangers, now];
    this.#report({ kind: 'not-esp', from, count });
  }

  /** After what goes on here: a listener that throws, or closes, is in nobody's way, and hears of it once. */
  #report(fault: EncapFault): void {
    process.nextTick(() => this.emit('fault', fault));
  }
}

function explainFailure(error: NativeEspInUdpError, { local, port }: NativeEspInUdpOptions): unknown {
  if (typeof error.errno !== 'number') return error;
  const errno = errnoName(error.errno);
  const common = { operation: error.operation, object: `${local}:${port}`, errno, cause: error };
  switch (errno) {
    case 'EADDRINUSE':
      return new ClearDfError({
        ...common,
        code: 'CONFLICT',
        reason: 'another socket holds this UDP port',
        hint: `see whose it is: ss -ulnp sport = :${port}; an IKE daemon brings ESP in UDP up itself`,
      });
    case 'EADDRNOTAVAIL':
      return new ClearDfError({
        ...common,
        code: 'ENVIRONMENT',
        reason: 'this host does not have that address',
        hint: "ip address shows this host's own",
      });
    case 'EACCES':
      return new ClearDfError({
        ...common,
        code: 'PRIVILEGE',
        reason: 'ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE',
        hint: 'run it as root, or take another port',
      });
    case 'ENOPROTOOPT':
      return new ClearDfError({
        ...common,
        code: 'ENVIRONMENT',
        reason: 'this kernel has no IPsec (CONFIG_XFRM)',
        hint: 'use a kernel that has it; carrier plain needs none',
      });
    default:
      return new ClearDfError({ ...common, code: 'RUNTIME', reason: 'the kernel refused' });
  }
}
