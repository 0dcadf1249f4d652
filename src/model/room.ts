/** How many packets the receive buffer holds. Pure. */

/** Attributes that come with each packet, headers of netlink within; about. */
const ATTRIBUTES = 180;
/** struct sk_buff, and struct skb_shared_info behind its data: x86-64, 5.10 to 7.2. */
const [HEAD, SHARED] = [256, 320];

/**
 * Of so many bytes each, in a receive buffer of so many bytes. The kernel takes memory in powers of 2 and charges what
 * it takes; so this is near, and not exact.
 */
export function roomFor(length: number, receiveBuffer: number): number {
  const data = 2 ** Math.ceil(Math.log2(length + ATTRIBUTES + SHARED));
  return Math.max(1, Math.floor(receiveBuffer / (data + HEAD)));
}
