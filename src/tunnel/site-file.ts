/** The YAML file of one site: text → {@link Site}, or a refusal with file, line, key, accepted form and reason. */
import { ClearDfError, shortened } from '../errors.js';
import { baseOf, folderOf, inFolder } from '../net/path.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../rules/spec.js';
import { hasStaticKeys } from './carriers/esp/keying.js';
import { refuseContradictions } from './check/contradictions.js';
import { refusalOf, textAt } from './site/refusal.js';
import { keysAt, listAt, siteSchema } from './site/schema.js';
import { END_FORM, type LeafRefusal } from './site/values.js';
import { type CarrierSpec, type Site, type TunnelSpec } from './site/site.js';
import { tunnelOf } from './site/tunnel.js';
import { readYaml, type YamlText } from './site/yaml.js';

/**
 * Reads a site file. Pure.
 * @param text what stands in the file
 * @param file the file as it was given; stands in every refusal
 * @param folder where `keys` and other names of files are taken from; absolute, where they are to be
 * @throws ClearDfError USAGE that names `FILE:LINE key`, the value, the accepted form and the reason
 */
export function parseSite(text: string, file: string, folder = folderOf(file)): Site {
  return siteOfYaml(readYaml(text, { file, secret: false }), file, folder);
}

/**
 * The same of values that may stand in another file, whose lines they know.
 * @throws ClearDfError as {@link parseSite}
 */
export function siteOfYaml(yaml: YamlText, file: string, folder: string): Site {
  const refuse = (issues: Parameters<typeof refusalOf>[0]) => refusalOf(issues, yaml, file, shapeOf(yaml));
  const read = siteSchema.safeParse(yaml.value === '' ? {} : yaml.value);
  if (!read.success) throw refuse(read.error.issues);
  const { 'move-addresses': moveAddresses, ...bridge } = read.data.bridge;
  const { queue, remotes, 'path-mtu': pathMtu, tunnel, ...parts } = read.data;
  const place = (key: string) => placeIn(file, yaml, key);
  const [remote, ...moreRemotes] = remotes ?? (parts.remote === undefined ? [] : [parts.remote]);
  if (remote === undefined) {
    const params = { accepted: END_FORM } satisfies LeafRefusal;
    throw refuse([{ code: 'custom', path: ['remote'], message: '', params }]);
  }
  const site: Site = {
    ...parts,
    file,
    name: parts.name ?? nameOfFile(file),
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

/** The name that a file gives to what is in it. @throws ClearDfError USAGE where it cannot be one */
export function nameOfFile(file: string, ending = /\.ya?ml$/, example = 'site-a'): string {
  const name = baseOf(file).replace(ending, '');
  if (isInstanceName(name)) return name;
  throw new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: `${file}:1 name`,
    reason: `it is missing, and '${shortened(name)}', the file's own name, is not accepted; expected ${INSTANCE_NAME_FORM}`,
    hint: `for example: name: ${example}`,
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

/** What belongs where: in `carrier`, it depends on the type. */
function shapeOf({ value }: YamlText): Parameters<typeof refusalOf>[3] {
  const type = textAt(value, 'carrier.type');
  return { keysAt: (path) => keysAt(path, type ?? textAt(value, 'carrier')), listAt };
}
