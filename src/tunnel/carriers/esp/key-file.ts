/**
 * The key file of a carrier with ESP: one security association for each direction, by the address that its packets come from,
 * so that the same file serves both ends. No message ever repeats a key.
 */
import { ClearDfError } from '../../../errors.js';
import { hexOf, randomBytes, randomWhole } from '../../../net/bytes.js';
import { nearest } from '../../../net/nearest.js';
import { type DirectionKeys, type Keys } from '../../keys.js';
import { hasStaticKeys } from './keying.js';
import { type CarrierSpec, type EspCipher, type EspKeying, type Site } from '../../site/site.js';
import { readWhole } from '../../site/values.js';
import { readYaml, type YamlMap, type YamlValue } from '../../site/yaml.js';

/** Bytes of each key of an association, by the key's name in the file. */
const KEY_LENGTHS: Record<EspCipher, Readonly<Record<string, number>>> = {
  // The AES key and 4 bytes of salt behind it (RFC 4106 §8.1).
  'aes-gcm-128': { key: 20 },
  'aes-gcm-256': { key: 36 },
  // RFC 3602 §2.3, RFC 4868 §2.1.1.
  'aes-cbc-128-sha256': { 'encryption-key': 16, 'authentication-key': 32 },
  'aes-cbc-256-sha256': { 'encryption-key': 32, 'authentication-key': 32 },
};

/** RFC 4303 §2.1: 0 is for local use, 1-255 are reserved. */
const SPI_MIN = 256;

const FRESH = 'write a fresh file on both ends: clear-df tunnel keys FILE';

/** A site whose carrier takes its keys from a file. */
export type KeyedSite = Site & { carrier: Extract<CarrierSpec, EspKeying> };

/** The site, when its keys come from a file. */
export function keyed(site: Site): KeyedSite | undefined {
  const { carrier } = site;
  return 'keys' in carrier && hasStaticKeys(carrier) ? { ...site, carrier } : undefined;
}

/**
 * Reads a key file for one end.
 * @throws ClearDfError USAGE that names `FILE:LINE key` and the accepted form, never a key
 */
export function parseKeys(text: string, file: string, site: KeyedSite): Keys {
  const yaml = readYaml(text, { file, secret: true });
  const refuse: Refuse = (key, reason, hint) => {
    const object = `${file}:${yaml.lineOf(key) ?? 1}${key === '' ? '' : ` ${key}`}`;
    throw new ClearDfError({ code: 'USAGE', operation: 'read keys', object, reason, hint });
  };
  const ends = mapAt(yaml.value, '', 'ADDRESS: { spi: …, … } for each of the two addresses', refuse);
  for (const address of Object.keys(ends)) {
    if (address !== site.local && address !== site.remote) refuse(...stranger(address, site));
  }
  const [outbound, inbound] = [site.local, site.remote].map((address) => {
    if (ends[address] === undefined) return refuse('', `no keys for packets from ${address} (${whose(address, site)})`);
    return readAssociation(ends[address], address, site.carrier, refuse);
  }) as [DirectionKeys, DirectionKeys];
  refuseTwins(outbound, inbound, site, refuse);
  return { out: outbound, in: inbound };
}

type Refuse = (key: string, reason: string, hint?: string) => never;

function whose(address: string, site: Site): string {
  return address === site.local ? `local in ${site.place('local')}` : `remote in ${site.place('remote')}`;
}

/** A key that is no address may be anything: it is not repeated. */
function stranger(name: string, site: Site): [string, string] {
  const expected = `neither the site's local nor its remote address; expected ${site.local} and ${site.remote}`;
  return /^[\d.]{7,15}$/.test(name) ? [name, expected] : ['', `a key is ${expected}`];
}

function mapAt(value: YamlValue, key: string, form: string, refuse: Refuse): YamlMap {
  if (typeof value !== 'object' || Array.isArray(value)) return refuse(key, `it is no map; expected ${form}`);
  return value;
}

function readAssociation(value: YamlValue, address: string, carrier: EspKeying, refuse: Refuse): DirectionKeys {
  const names = Object.keys(KEY_LENGTHS[carrier.cipher]);
  const form = `spi, ${names.join(' and ')} for cipher ${carrier.cipher}`;
  const map = mapAt(value, address, form, refuse);
  for (const name of Object.keys(map)) {
    if (name === 'spi' || names.includes(name)) continue;
    const meant = nearest(name, ['spi', ...names]);
    const named = /^[a-z-]{1,24}$/.test(name) ? ` '${name}'` : '';
    refuse(
      address,
      `unknown key${named}; expected ${form}`,
      meant === undefined ? undefined : `did you mean '${meant}'?`,
    );
  }
  const [encryption = '', authentication] = Object.entries(KEY_LENGTHS[carrier.cipher]).map(([name, length]) =>
    readKey(map[name], `${address}.${name}`, length, carrier, refuse),
  );
  const spi = readSpi(map.spi, `${address}.spi`, refuse);
  return authentication === undefined ? { spi, encryption } : { spi, encryption, authentication };
}

function readSpi(value: YamlValue | undefined, key: string, refuse: Refuse): number {
  const form = `a number from ${SPI_MIN} to 0xffffffff`;
  if (value === undefined) return refuse(key, `it is missing; expected ${form}`);
  const spi = typeof value === 'string' ? readWhole(value) : undefined;
  // What is not a number may be a key on the wrong line.
  if (spi === undefined || spi > 0xffff_ffff) return refuse(key, `its text is not accepted; expected ${form}`);
  if (spi < SPI_MIN) return refuse(key, `${spi} is reserved (RFC 4303 §2.1); expected ${form}`);
  return spi;
}

function readKey(
  value: YamlValue | undefined,
  key: string,
  length: number,
  { cipher }: EspKeying,
  refuse: Refuse,
): string {
  const form = `0x and ${2 * length} hexadecimal digits (${length} bytes) for cipher ${cipher}`;
  if (value === undefined) return refuse(key, `it is missing; expected ${form}`);
  const digits = typeof value === 'string' ? /^0x([\da-f]*)$/i.exec(value)?.[1] : undefined;
  if (digits === undefined) return refuse(key, `its text is not hexadecimal; expected ${form}`);
  if (digits.length !== 2 * length) return refuse(key, `it has ${digits.length / 2} bytes; expected ${form}`);
  if (/^(..)\1*$/.test(digits)) return refuse(key, 'all of its bytes are the same: that is no key', FRESH);
  return `0x${digits.toLowerCase()}`;
}

function refuseTwins(outbound: DirectionKeys, inbound: DirectionKeys, site: KeyedSite, refuse: Refuse): void {
  const second = site.remote;
  const [name = ''] = Object.keys(KEY_LENGTHS[site.carrier.cipher]);
  if (outbound.spi === inbound.spi) {
    refuse(
      `${second}.spi`,
      `both directions have SPI ${outbound.spi}; expected two`,
      'it distinguishes captures and logs',
    );
  }
  const others = [inbound.encryption, inbound.authentication];
  const shared = [outbound.encryption, outbound.authentication].some(
    (key) => key !== undefined && others.includes(key),
  );
  if (!shared) return;
  refuse(
    `${second}.${name}`,
    'both directions have the same key; expected one for each' +
      (name === 'key'
        ? ': both ends count their nonces from the same number, and AES-GCM breaks when one repeats'
        : ''),
    FRESH,
  );
}

/** The text of a new key file for both ends of a site. Secret. */
export function newKeys(site: KeyedSite): string {
  const lengths = Object.entries(KEY_LENGTHS[site.carrier.cipher]);
  const first = randomWhole(SPI_MIN, 0xffff_fffe);
  const ends = [site.local, site.remote].map((address, i) => {
    const keys = lengths.map(([name, length]) => `  ${name}: 0x${hexOf(randomBytes(length))}\n`);
    return `# from ${address}\n'${address}':\n  spi: 0x${(first + i).toString(16)}\n${keys.join('')}`;
  });
  const head =
    `# Keys of ${site.local} and ${site.remote}, ${site.carrier.cipher}: the same file on both ends, readable by root only.\n` +
    '# A new one on both ends whenever one of them has restarted.\n';
  return head + ends.join('');
}
