/**
 * Algorithms of a cipher in the words of both daemons. One proposal each, so that both ends have what the file says or
 * say that they do not agree. The group is new for every rekeying, too (RFC 7296 §1.3.1), and as strong as the cipher.
 */
import type { EspCipher } from '../../site/site.js';

interface Proposals {
  /** swanctl.conf(5): `proposals`, `esp_proposals`. */
  swanctl: { ike: string; esp: string };
  /** ipsec.conf(5): `ike=`, `esp=`. */
  libreswan: { ike: string; esp: string };
}

/** ecp256 is group 19, ecp384 group 20 (RFC 5903). */
export const PROPOSALS: Readonly<Record<EspCipher, Proposals>> = {
  'aes-gcm-128': {
    swanctl: { ike: 'aes128gcm16-prfsha256-ecp256', esp: 'aes128gcm16-ecp256' },
    libreswan: { ike: 'aes_gcm128-sha2_256;dh19', esp: 'aes_gcm128-null;dh19' },
  },
  'aes-gcm-256': {
    swanctl: { ike: 'aes256gcm16-prfsha384-ecp384', esp: 'aes256gcm16-ecp384' },
    libreswan: { ike: 'aes_gcm256-sha2_384;dh20', esp: 'aes_gcm256-null;dh20' },
  },
  'aes-cbc-128-sha256': {
    swanctl: { ike: 'aes128-sha256-ecp256', esp: 'aes128-sha256-ecp256' },
    libreswan: { ike: 'aes128-sha2_256;dh19', esp: 'aes128-sha2_256;dh19' },
  },
  'aes-cbc-256-sha256': {
    swanctl: { ike: 'aes256-sha256-ecp384', esp: 'aes256-sha256-ecp384' },
    libreswan: { ike: 'aes256-sha2_256;dh20', esp: 'aes256-sha2_256;dh20' },
  },
};
