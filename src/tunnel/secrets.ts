/** The files of secrets that a site names: which, what is in them, and what a new one says. */
import { ikeOf } from './carriers/ike/names.js';
import { newPsk, readPsk } from './carriers/ike/psk.js';
import { cookieSite, newCookies, parseCookies } from './types/cookies.js';
import { keyed, newKeys, parseKeys } from './carriers/esp/key-file.js';
import type { Secrets } from './keys.js';
import type { Site } from './site/site.js';

interface SecretFile {
  /** Absolute. */
  file: string;
  /** Where the site names it: `carrier.keys`. */
  key: string;
}

/** The file that only its owner may read; undefined where the site has no secrets of its own. */
export function secretFile({ carrier, ...site }: Site): SecretFile | undefined {
  const cookies = cookieSite(site);
  if (cookies !== undefined) return { file: cookies.tunnel.cookie.file, key: 'tunnel.cookie' };
  const proof = ikeOf(carrier)?.proof;
  if (proof !== undefined) {
    return proof.kind === 'psk'
      ? { file: proof.file, key: 'carrier.ike.psk' }
      : { file: proof.key, key: 'carrier.ike.key' };
  }
  const withKeys = keyed({ carrier, ...site });
  return withKeys && { file: withKeys.carrier.keys, key: 'carrier.keys' };
}

/**
 * What a plan needs of the file's text; of a private key it needs nothing.
 * @throws ClearDfError USAGE that names `FILE:LINE key` and the accepted form, never a secret
 */
export function parseSecrets(site: Site, text: string, file: string): Secrets | undefined {
  const withCookies = cookieSite(site);
  if (withCookies !== undefined) return { cookies: parseCookies(text, file, withCookies) };
  const withKeys = keyed(site);
  if (withKeys !== undefined) return parseKeys(text, file, withKeys);
  return ikeOf(site.carrier)?.proof.kind === 'psk' ? { psk: readPsk(text, file) } : undefined;
}

/** A new file of secrets for both ends; undefined where there is none to be made. Its text is secret. */
export function newSecrets(site: Site): { file: string; text: string } | undefined {
  const named = secretFile(site);
  const withCookies = cookieSite(site);
  if (withCookies !== undefined) return { file: withCookies.tunnel.cookie.file, text: newCookies(withCookies) };
  const withKeys = keyed(site);
  if (named === undefined) return undefined;
  if (withKeys !== undefined) return { file: named.file, text: newKeys(withKeys) };
  return ikeOf(site.carrier)?.proof.kind === 'psk' ? { file: named.file, text: newPsk() } : undefined;
}
