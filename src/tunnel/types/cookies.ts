/**
 * The file of L2TPv3 cookies: one for each direction, by the address that its packets come from, so that the same file
 * serves both ends. No message ever repeats one.
 */
import { ClearDfError } from '../../errors.js';
import { hexOf, randomBytes } from '../../net/bytes.js';
import type { Cookies } from '../keys.js';
import type { L2tpTunnel, Site } from '../site/site.js';
import { readYaml } from '../site/yaml.js';

/** A site whose session has cookies. */
type CookieSite = Omit<Site, 'carrier'> & { tunnel: L2tpTunnel & { cookie: NonNullable<L2tpTunnel['cookie']> } };

/** The site, when its session has cookies. */
export function cookieSite(site: Omit<Site, 'carrier'>): CookieSite | undefined {
  const { tunnel } = site;
  if (tunnel.type !== 'l2tp' || tunnel.cookie === undefined) return undefined;
  return { ...site, tunnel: { ...tunnel, cookie: tunnel.cookie } };
}

/**
 * Reads a file of cookies for one end.
 * @throws ClearDfError USAGE that names `FILE:LINE key` and the accepted form, never a cookie
 */
export function parseCookies(text: string, file: string, { local, remote, tunnel, place }: CookieSite): Cookies {
  const yaml = readYaml(text, { file, secret: true });
  const { bytes } = tunnel.cookie;
  const form = `0x and ${2 * bytes} hexadecimal digits (tunnel.cookie-size is ${bytes})`;
  const refuse = (key: string, reason: string): never => {
    const object = `${file}:${yaml.lineOf(key) ?? 1}${key === '' ? '' : ` ${key}`}`;
    const hint = 'write a fresh file on both ends: clear-df tunnel keys FILE';
    throw new ClearDfError({ code: 'USAGE', operation: 'read cookies', object, reason, hint });
  };
  const { value } = yaml;
  if (typeof value !== 'object' || Array.isArray(value)) {
    return refuse('', `it is no map; expected ADDRESS: 0x… for each of the two addresses`);
  }
  if (Object.keys(value).some((address) => address !== local && address !== remote)) {
    return refuse('', `a key is neither the site's local nor its remote address; expected ${local} and ${remote}`);
  }
  const read = (address: string, key: 'local' | 'remote'): string => {
    const given = value[address];
    if (given === undefined) return refuse('', `no cookie for packets from ${address} (${key} in ${place(key)})`);
    const digits = typeof given === 'string' ? /^0x([\da-f]+)$/i.exec(given)?.[1] : undefined;
    if (digits?.length !== 2 * bytes) return refuse(address, `its text is not accepted; expected ${form}`);
    return digits.toLowerCase();
  };
  return { out: read(local, 'local'), in: read(remote, 'remote') };
}

/** The text of a new file of cookies for both ends of a site. Secret. */
export function newCookies({ local, remote, tunnel }: CookieSite): string {
  const lines = [local, remote].map((address) => `'${address}': 0x${hexOf(randomBytes(tunnel.cookie.bytes))}\n`);
  return (
    `# L2TPv3 cookies of packets from ${local} and from ${remote}: the same file on both ends, readable by root only.\n` +
    lines.join('')
  );
}
