/** The YAML file of a net: text → {@link Net}, or a refusal with file, line, key and reason. Pure. */
import { isIpv6 } from '../../net/address6.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../../rules/spec.js';
import { siteOfYaml } from '../site-file.js';
import { siteError } from '../site/error.js';
import { addressOfNobody, AUTO, isHostName, refuseOpenEnd } from '../site/open-ends.js';
import type { Site } from '../site/site.js';
import type { YamlMap } from '../site/yaml.js';
import { layered, type Leaves, textIn, withLeaves, yamlOf } from './merge.js';
import { bothSided, mirrored, refuseUnlike } from './mirror.js';
import type { Net, NetEnd, NetPath } from './net.js';
import { inSite, reachedAs, readSaid, refuseAt, type Said } from './said.js';
import { MADE } from './schema.js';
import { hubDevice, numbered, refuseShape, refuseSharedOnHub } from './shapes.js';

/**
 * @param file as it was given; stands in every refusal
 * @throws ClearDfError USAGE that names `FILE:LINE key`, the site, the value, the accepted form and the reason
 */
export function parseNet(text: string, file: string): Net {
  const said = readSaid(text, file);
  refuseShape(said);
  const { name, shape, hub, sites } = said;
  const ends = shape === 'mesh' ? sites.map((site) => meshEnd(said, site)) : linksOf(said).flatMap(linkEnds(said));
  const paths = pathsOf(ends);
  for (const { ends: both } of paths) inSite(both[1].site, () => refuseUnlike(...both));
  refuseMtus(ends);
  if (hub !== undefined) inSite(hub, () => refuseSharedOnHub(ends.filter(({ site }) => site === hub)));
  return { file, name, shape, hub, sites, ends, paths };
}

interface Link {
  name: string;
  sites: readonly [string, string];
}

function linksOf(said: Said): Link[] {
  const { name, hub, sites } = said;
  if (hub === undefined) return [{ name, sites: [sites[0] ?? '', sites[1] ?? ''] }];
  return sites
    .filter((site) => site !== hub)
    .map((spoke) => ({ name: tunnelName(said, spoke), sites: [hub, spoke] as const }));
}

/** Of the tunnel to one spoke. */
function tunnelName(said: Said, spoke: string): string {
  const tunnel = `${said.name}-${spoke}`;
  if (isInstanceName(tunnel)) return tunnel;
  const reason = `its tunnel would be called '${tunnel}', which is not accepted; expected ${INSTANCE_NAME_FORM}`;
  return refuseAt(said, `sites.${spoke}`, reason, 'a shorter name of the site or of the net');
}

function meshEnd(said: Said, site: string): NetEnd {
  const others = said.sites.filter((other) => other !== site);
  const typed: Leaves = new Map([['tunnel.type', { value: 'vxlan', at: 'shape' }]]);
  const leaves = layered(layered(typed, said.common), said.own(site));
  return endOf(said, leaves, { site, tunnel: said.name, others });
}

/** Both ends of a tunnel; on a hub it is one of several. */
function linkEnds(said: Said): (link: Link, at: number) => NetEnd[] {
  return ({ name, sites: [one, two] }, at) => {
    const hubs = said.hub === undefined ? undefined : hubDevice(said, two);
    const first = endOf(said, withLeaves(linkLeaves(said, one, two), hubs ?? {}), {
      ...{ site: one, tunnel: name, others: [two] },
      ...(said.hub === undefined ? {} : { number: at }),
    });
    return [first, endOf(said, linkLeaves(said, two, one), { site: two, tunnel: name, others: [one] })];
  };
}

/** What one end's file says: its own values, what follows from the other end's, and what is said for all. */
function linkLeaves({ common, own }: Said, site: string, other: string): Leaves {
  const types = [own(site), own(other), common].map((leaves) => textIn(leaves, 'tunnel.type'));
  const type = types.find((one) => one !== undefined) ?? 'gretap';
  return bothSided(layered(layered(common, mirrored(own(other), type)), own(site)), common, type);
}

interface Place {
  site: string;
  tunnel: string;
  others: readonly string[];
  /** Which of the hub's tunnels it is. */
  number?: number;
}

function endOf(said: Said, leaves: Leaves, { number = 0, ...place }: Place): NetEnd {
  const { site, tunnel } = place;
  const { leaves: filled, secret } = withMadeFiles(leaves, `${said.keys}${tunnel}`);
  const named = withLeaves(filled, { name: { value: tunnel, at: 'name' } });
  const written = withEnds(named, place, (one) => {
    const reached = reachedAs(said, one);
    return one === site && isHostName(reached) ? AUTO : reached;
  });
  const read = withEnds(named, place, (one) => addressIn(said, one));
  const parse = (given: Leaves): Site =>
    inSite(site, () => siteOfYaml(yamlOf(given, `sites.${site}`, said.yaml), said.file, ''));
  const first = parse(read);
  const numbering = (given: Leaves) => (number === 0 ? given : numbered(given, first, number));
  const parsed = number === 0 ? first : parse(numbering(read));
  refuseNames(said, parsed, place);
  const { value } = yamlOf(numbering(written), `sites.${site}`, said.yaml);
  return { ...place, secret, reached: reachedAs(said, site), value: value as YamlMap, parsed };
}

/** With `local` and the other ends. */
function withEnds(leaves: Leaves, { site, others }: Place, of: (site: string) => string): Leaves {
  const end = (one: string) => ({ value: of(one), at: `sites.${one}.local` });
  const remotes = {
    ...{ value: others.map(of), at: 'sites' },
    items: others.map((other) => end(other).at),
  };
  const [nearest = ''] = others;
  return withLeaves(leaves, { local: end(site), ...(others.length === 1 ? { remote: end(nearest) } : { remotes }) });
}

/** One of nobody in the place of a name, of the family that the others have. */
function addressIn(said: Said, site: string): string {
  const reached = reachedAs(said, site);
  if (!isHostName(reached)) return reached;
  const six = said.sites.some((one) => isIpv6(reachedAs(said, one)));
  return addressOfNobody(said.sites.indexOf(site), six ? 6 : 4);
}

function refuseNames(said: Said, parsed: Site, { site, others }: Place): void {
  for (const one of [site, ...others]) {
    const value = reachedAs(said, one);
    const key = one === site ? 'local' : others.length === 1 ? 'remote' : `remotes.${others.indexOf(one)}`;
    if (isHostName(value)) inSite(site, () => refuseOpenEnd(parsed, { key, value }));
  }
}

/** Names in the place of {@link MADE}. */
function withMadeFiles(leaves: Leaves, stem: string): { leaves: Leaves; secret: string | undefined } {
  const kinds = { 'carrier.keys': 'keys', 'carrier.ike.psk': 'psk', 'tunnel.cookie': 'cookies' };
  for (const [path, ending] of Object.entries(kinds)) {
    const leaf = leaves.get(path);
    if (leaf?.value !== MADE) continue;
    const secret = `${stem}.${ending}`;
    return { leaves: withLeaves(leaves, { [path]: { ...leaf, value: secret } }), secret };
  }
  return { leaves, secret: undefined };
}

/** Every two ends that name each other. */
function pathsOf(ends: readonly NetEnd[]): NetPath[] {
  return ends.flatMap((one, i) =>
    ends
      .slice(i + 1)
      .filter((two) => one.tunnel === two.tunnel && one.others.includes(two.site))
      .map((two): NetPath => ({ ends: [one, two] })),
  );
}

/** One Ethernet has one MTU. */
function refuseMtus(ends: readonly NetEnd[]): void {
  const [first] = ends;
  const other = ends.find(({ parsed }) => parsed.mtu !== first?.parsed.mtu);
  if (first === undefined || other === undefined) return;
  const reason = `${other.parsed.mtu}, and site ${first.site} has ${first.parsed.mtu} (${first.parsed.place('mtu')}); all sites are one Ethernet`;
  inSite(other.site, () => {
    throw siteError(other.parsed, 'mtu', reason, 'write mtu once, above for all sites');
  });
}
