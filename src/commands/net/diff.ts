/** `clear-df net diff`: what `write` would change, or what a router's folder has else than it should. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { requiresError, usageError } from '../../errors.js';
import { unifiedDiff } from '../../net/unified.js';
import { endsOf, type Net, type NetEnd } from '../../tunnel/net/net.js';
import { filesOf, filesOfNetIn, folderOfNet, leftOver, readNet, secretOf, siteFiles } from './files.js';

interface DiffRequest {
  /** As for `write`. */
  output: string | undefined;
  /** Of one site only. */
  site: string | undefined;
  /** The folder of that site on its router, in place of its folder below `output`. */
  against: string | undefined;
}

/**
 * Compares. Secrets are compared, never shown.
 * @returns what differs, as diff -u and diff -r say it; empty where nothing does
 * @throws ClearDfError of what cannot be read
 */
export function netDiff(file: string, { output, site, against }: DiffRequest): string {
  const net = readNet(file);
  if (site !== undefined && !net.sites.includes(site)) {
    throw usageError('--site', site, `a site of ${file}: ${net.sites.join(', ')}`);
  }
  if (against !== undefined) {
    if (site === undefined) throw requiresError('--against', '--site', 'a router is one site');
    return text(routerDiff(net, endsOf(net, site), against));
  }
  const folder = folderOfNet(net, output);
  const files = filesOf(net, folder);
  const chosen = files.filter((one) => site === undefined || one.site === site);
  const lines = chosen.flatMap(({ file: name, wanted, found, secret }) =>
    secret ? secretLines(name, found) : siteLines(name, wanted, found),
  );
  const left = site === undefined ? leftOver(net, folder, files) : [];
  return text([...lines, ...left.map(extra)]);
}

/** A router has its own copies of the secrets, and nothing to compare them with: they fit, or they do not. */
function routerDiff(net: Net, ends: readonly NetEnd[], folder: string): string[] {
  if (!existsSync(folder)) throw usageError('--against', folder, 'a folder that is there');
  const files = siteFiles(net, ends, () => folder);
  const known = files.map(({ file }) => file);
  return [
    ...files.flatMap(({ file, wanted, found }) => siteLines(file, wanted, found)),
    ...ends.flatMap((end) => {
      if (end.secret === undefined) return [];
      const name = path.join(folder, end.secret);
      // Refused where it does not fit, or others can read it.
      return secretLines(name, secretOf(end, name));
    }),
    ...filesOfNetIn(folder, net.name)
      .filter((file) => !known.includes(file))
      .map(extra),
  ];
}

function siteLines(file: string, wanted: string, found: string | undefined): string[] {
  return unifiedDiff(found ?? '', wanted, { before: found === undefined ? '/dev/null' : file, after: `${file} (net)` });
}

function secretLines(file: string, found: string | undefined): string[] {
  return found === undefined ? [`Missing: ${file} (secret)`] : [];
}

function extra(file: string): string {
  return `Of no site any more: ${file}`;
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
