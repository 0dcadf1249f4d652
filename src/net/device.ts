/** Names of network devices. */

/** IFNAMSIZ without the closing zero byte (`include/uapi/linux/if.h`). */
export const DEVICE_NAME_MAX = 15;

/**
 * Whether a name can be a device's and can stand in a rule. Narrower than the kernel's
 * `dev_valid_name`: quotes and backslashes cannot be written in nft, a closing `+` (iptables)
 * or `*` (nft) would turn one name into many, and a leading `-` or `!` reads as an option.
 */
export function isDeviceName(name: string): boolean {
  return (
    /^[A-Za-z0-9_.@%=~^][A-Za-z0-9_.@%=~^-]*$/.test(name) && name.length <= DEVICE_NAME_MAX && !/^\.\.?$/.test(name)
  );
}
