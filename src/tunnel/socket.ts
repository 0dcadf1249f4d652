/** A UDP socket that must stay open while the tunnel is up: the kernel takes ESP in UDP on no other (RFC 3948). */
export interface SocketPlan {
  /** Addresses, dotted, and UDP ports. */
  local: string;
  port: number;
  remote: string;
  remotePort: number;
  /** Seconds between keepalives; 0: none. */
  keepalive: number;
}
