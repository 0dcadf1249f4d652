/** A net: all sites of one Ethernet, from one file. */
import type { Site } from '../site/site.js';
import type { YamlMap } from '../site/yaml.js';
import type { Shape } from './schema.js';

/** One site file. */
export interface NetEnd {
  /** The router that it is for. */
  site: string;
  /** The tunnel's name, the same on both ends; that of the file. */
  tunnel: string;
  /** Names of the sites at the other ends, in the order of `remotes`. */
  others: readonly string[];
  /** Outer address of the router, or its name: as the other sites reach it. */
  reached: string;
  /** As the site's file says it. */
  value: YamlMap;
  /** As it is read, with addresses of nobody in the place of names; places are those of the net's file. */
  parsed: Site;
  /** The file of secrets that is made for it, from the site file's folder; undefined where there is none to be made. */
  secret: string | undefined;
}

/** Two ends that send to each other. */
export interface NetPath {
  ends: readonly [NetEnd, NetEnd];
}

export interface Net {
  /** As it was given. */
  file: string;
  name: string;
  shape: Shape;
  /** Of shape hub. */
  hub: string | undefined;
  sites: readonly string[];
  ends: readonly NetEnd[];
  paths: readonly NetPath[];
}

/** Site files of one router. */
export function endsOf({ ends }: Pick<Net, 'ends'>, site: string): NetEnd[] {
  return ends.filter((end) => end.site === site);
}
