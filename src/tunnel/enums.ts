/** Words that the tunnel shares with the mangler, which stands in another order of rooms. */

/** As `--identification`. */
export const IDENTIFICATION_POLICIES = ['random', 'keep', 'sequential'] as const;
export type IdentificationPolicy = (typeof IDENTIFICATION_POLICIES)[number];

/** `unknown`: it could not be read. Never taken for `no`. */
export type Answer = 'yes' | 'no' | 'unknown';
