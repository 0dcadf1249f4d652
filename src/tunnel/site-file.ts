/** The YAML file of one site: text → {@link Site}, or a refusal with file, line, key, accepted form and reason. */
import type * as z from 'zod';
import { ClearDfError, shortened } from '../errors.js';
import { IPV4_HOST_FORM } from '../net/address.js';
import { nearest } from '../net/nearest.js';
import { baseOf, folderOf, inFolder } from '../net/path.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../rules/spec.js';
import { hasStaticKeys } from './carriers/esp/keying.js';
import { refuseContradictions } from './check/contradictions.js';
import { keysAt, siteSchema } from './site/schema.js';
import { type LeafRefusal } from './site/values.js';
import { type CarrierSpec, type Site, type TunnelSpec } from './site/site.js';
import { tunnelOf } from './site/tunnel.js';
import { readYaml, type YamlText, type YamlValue } from './site/yaml.js';

/** Values are shown from here on only when they look like one. */
const NAME_LIKE = /^[\w.-]{1,31}$/;

/**
 * Reads a site file. Pure.
 * @param text what stands in the file
 * @param file the file as it was given; stands in every refusal
 * @param folder where `keys` and other names of files are taken from; absolute, where they are to be
 * @throws ClearDfError USAGE that names `FILE:LINE key`, the value, the accepted form and the reason
 */
export function parseSite(text: string, file: string, folder = folderOf(file)): Site {
  const yaml = readYaml(text, { file, secret: false });
  const read = siteSchema.safeParse(yaml.value === '' ? {} : yaml.value);
  if (!read.success) throw refusal(read.error.issues, yaml, file);
  const { 'move-addresses': moveAddresses, ...bridge } = read.data.bridge;
  const { queue, remotes, 'path-mtu': pathMtu, tunnel, ...parts } = read.data;
  const place = (key: string) => placeIn(file, yaml, key);
  const [remote, ...moreRemotes] = remotes ?? (parts.remote === undefined ? [] : [parts.remote]);
  if (remote === undefined) {
    const params = { accepted: IPV4_HOST_FORM } satisfies LeafRefusal;
    throw refusal([{ code: 'custom', path: ['remote'], message: '', params }], yaml, file);
  }
  const site: Site = {
    ...parts,
    file,
    name: parts.name ?? nameOf(file),
    bridge: { ...bridge, moveAddresses },
    remote,
    moreRemotes,
    pathMtu,
    tunnel: withCookiesIn(folder, tunnelOf(tunnel, [parts.local, remote])),
    carrier: withFilesIn(folder, parts.carrier),
    queues: queue,
    ...(textAt(yaml.value, 'queue') === undefined ? {} : { queueGiven: true }),
    place,
  };
  refuseContradictions(site, (key) => textAt(yaml.value, key) !== undefined);
  return site;
}

function placeIn(file: string, yaml: YamlText, key: string): string {
  const line = yaml.lineOf(key);
  return line === undefined ? file : `${file}:${line}`;
}

function nameOf(file: string): string {
  const name = baseOf(file).replace(/\.ya?ml$/, '');
  if (isInstanceName(name)) return name;
  throw new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: `${file}:1 name`,
    reason: `it is missing, and '${shortened(name)}', the file's own name, is not accepted; expected ${INSTANCE_NAME_FORM}`,
    hint: 'for example: name: site-a',
  });
}

function withFilesIn(folder: string, carrier: CarrierSpec): CarrierSpec {
  if (!('keys' in carrier)) return carrier;
  const absolute = (name: string) => inFolder(folder, name);
  const { ike } = carrier;
  if (ike === undefined) return hasStaticKeys(carrier) ? { ...carrier, keys: absolute(carrier.keys) } : carrier;
  const files = Object.entries(ike.proof).map(([key, value]) => [key, key === 'kind' ? value : absolute(value)]);
  return { ...carrier, ike: { ...ike, proof: Object.fromEntries(files) as typeof ike.proof } };
}

function withCookiesIn(folder: string, tunnel: TunnelSpec): TunnelSpec {
  if (tunnel.type !== 'l2tp' || tunnel.cookie === undefined) return tunnel;
  return { ...tunnel, cookie: { ...tunnel.cookie, file: inFolder(folder, tunnel.cookie.file) } };
}

/** The first thing that is wrong: a misspelt key before the one that is missing because of it. */
function refusal(issues: readonly z.core.$ZodIssue[], yaml: YamlText, file: string): ClearDfError {
  const issue = (issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]) as z.core.$ZodIssue;
  const key = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') return unknownKey(key, issue.keys[0] ?? '', yaml, file);
  const given = textAt(yaml.value, key);
  const { accepted, because, hint, secret }: LeafRefusal =
    issue.code === 'custom' ? (issue.params as LeafRefusal) : { accepted: shapeAt(key, yaml), secret: true };
  const line = yaml.lineOf(key) ?? 1;
  const object = `${file}:${line}${key === '' ? '' : ` ${key}`}`;
  const found = given === undefined ? 'it is missing' : `${shown(given, secret)} is not accepted`;
  const reason = [found, because === undefined ? '' : `: ${because}`, `; expected ${accepted}`].join('');
  return new ClearDfError({ code: 'USAGE', operation: 'read', object, reason, hint });
}

function unknownKey(parent: string, name: string, yaml: YamlText, file: string): ClearDfError {
  const known = keysAt(parent, textAt(yaml.value, 'carrier.type') ?? textAt(yaml.value, 'carrier')) ?? [];
  const meant = nearest(name, known);
  const key = parent === '' ? name : `${parent}.${name}`;
  // A file that is given by mistake may hold secrets: what does not look like a key is not repeated.
  const named = NAME_LIKE.test(name) ? ` '${name}'` : '';
  return new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: `${file}:${yaml.lineOf(key) ?? 1}${parent === '' ? '' : ` ${parent}`}`,
    reason: `unknown key${named}; expected one of ${known.join(', ')}`,
    hint: meant === undefined ? undefined : `did you mean '${meant}'?`,
  });
}

/** The accepted form where no text belongs. */
function shapeAt(key: string, yaml: YamlText): string {
  if (key === 'bridge.ports') return 'a list of at least one device: [eth0]';
  if (key === 'remotes') return 'a list of addresses, one for each other router: [192.0.2.1, 192.0.2.2]';
  if (key === 'carrier.segments') return 'a list of IPv6 addresses, the other end last: [fc00:b::100]';
  const keys = keysAt(key, textAt(yaml.value, 'carrier.type')) ?? [];
  return `a map of KEY: VALUE with ${keys.join(', ')}`;
}

function textAt(value: YamlValue, key: string): YamlValue | undefined {
  let at: YamlValue | undefined = value;
  for (const part of key === '' ? [] : key.split('.')) {
    if (typeof at !== 'object' || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, YamlValue>)[part];
  }
  return at;
}

function shown(given: YamlValue, secret: boolean | undefined): string {
  if (Array.isArray(given)) return given.length === 0 ? 'an empty list' : 'a list';
  if (typeof given === 'object') return 'a map';
  if (given === '') return "''";
  return secret ? 'its text (not repeated here)' : `'${shortened(given)}'`;
}
