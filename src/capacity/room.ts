/** How many packets the receive buffer holds. Pure. */
import type { Load, Mix } from './cost.js';

/** Attributes that come with each packet, headers of netlink within; about. */
const ATTRIBUTES = 180;
/** struct sk_buff, and struct skb_shared_info behind its data: x86-64, 5.10 to 7.2. */
const [HEAD, SHARED] = [256, 320];

/** Packets that wait, whatever their size: what Linux 6.18 was seen to hold, asked for more. */
const PACKETS_MOST = 65_536;

/** Bytes that a packet is charged. The kernel takes memory in powers of 2; near, therefore, and not exact. */
function charged(length: number): number {
  return 2 ** Math.ceil(Math.log2(length + ATTRIBUTES + SHARED)) + HEAD;
}

/** Packets of a mix, in a receive buffer of so many bytes as the kernel gives: twice what it was asked for (socket(7)). */
export function roomFor(mix: Mix, receiveBuffer: number): number {
  const each = mix.reduce((sum, { length, share }) => sum + share * charged(length), 0);
  return Math.max(1, Math.min(PACKETS_MOST, Math.floor(receiveBuffer / each)));
}

/** `--receive-buffer` as it is by default, bytes as the kernel gives them. */
export const RECEIVE_BUFFER = 2 * 67_108_864;

/** Seconds that a thread may stand still before packets are lost, at so many a second with DF. */
export function bridges({ mix, df }: Load, packetsPerSecond: number): number {
  return roomFor(mix, RECEIVE_BUFFER) / (packetsPerSecond * df);
}
