/** VPNs between the article's routers, as somebody else looks after them: each has its device on either router. */
import type { Article } from './article.js';

export interface VpnEnd {
  device: string;
  /** Of the device. */
  address: string;
}

export interface Vpn {
  /** Router A, whose end goes and comes, and router B. */
  a: VpnEnd;
  b: VpnEnd;
  /** MTU of both devices at first. */
  mtu: number;
  /** For tcpdump: all that the WAN may carry. */
  filter: string;
  /** Takes A's end away, device and all. */
  stop(): Promise<void>;
  /** Starts it again, with another MTU where one is given and the VPN can; returns when packets get through. */
  start(mtu?: number): Promise<void>;
}

/** Starts a VPN; returns when packets get through. */
export type VpnMaker = (net: Article) => Promise<Vpn>;
