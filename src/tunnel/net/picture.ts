/** A net as a picture: sites on a circle, the hub in its middle, and a line for each tunnel. SVG, for light and dark. */
import { endsOf, type Net, type NetPath } from './net.js';
import { pathSizes, wireText } from './sizes.js';

const BOX = { width: 168, height: 50 };
const GAP = 16;
const RADIUS_MIN = 250;
/** Around the circle: half of a box, and the caption. */
const MARGIN = 110;
/** Where on its line a label stands: not in the middle, where lines of a mesh cross. */
const LABEL_AT = 0.38;

interface Circle {
  middle: number;
  radius: number;
}

interface Point {
  x: number;
  y: number;
}

const STYLE = `
    svg { color: #1b2a3a; background: #ffffff; font: 14px system-ui, sans-serif; }
    line { stroke: #4a7fb5; stroke-width: 2; }
    rect { fill: #eef4fa; stroke: #4a7fb5; stroke-width: 1.5; }
    .hub { fill: #d5e6f6; }
    text { fill: currentColor; text-anchor: middle; }
    .address, .size { font-size: 12px; }
    .size { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
    @media (prefers-color-scheme: dark) {
      svg { color: #e3ecf5; background: #10171f; }
      line, rect { stroke: #7fb2e5; }
      rect { fill: #1b2836; }
      .hub { fill: #2a4159; }
      .size { stroke: #10171f; }
    }
  `;

/** @param mtu as of {@link pathSizes} */
export function netPicture(net: Net, mtu?: number): string {
  const { name, shape, sites, hub } = net;
  const circle = circleOf(net);
  const { middle } = circle;
  const places = placesOf(net, circle);
  const at = (site: string): Point => places.get(site) ?? { x: middle, y: middle };
  const paths = pathSizes(net, mtu).map(({ path, sizes }) => ({
    ...{ path, label: `${typeOf(path)}: ${wireText(sizes)}` },
    ends: path.ends.map(({ site }) => at(site)) as [Point, Point],
  }));
  const said = paths.map(({ path, label }) => `${path.ends.map(({ site }) => site).join(' – ')}: ${label}`);
  const lines = paths.map(({ ends: [from, to] }) => {
    return `  <line x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}"/>`;
  });
  // One caption where all are alike: labels of a large mesh would lie on each other.
  const [first] = new Set(paths.map(({ label }) => label));
  const alike = paths.every(({ label }) => label === first);
  const share = hub === undefined ? LABEL_AT : 0.5;
  const labels = alike
    ? [`  <text class="size" x="${middle}" y="${2 * middle - GAP}">each line: ${first}</text>`]
    : paths.map(({ label, ends: [from, to] }) => {
        const [x, y] = [from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)];
        return `  <text class="size" x="${rounded(x)}" y="${rounded(y)}">${label}</text>`;
      });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * middle} ${2 * middle}" role="img" aria-labelledby="title desc">`,
    `  <title id="title">Net ${name}: ${shape} of ${sites.length} sites</title>`,
    `  <desc id="desc">What a full-size packet becomes on the wire, in bytes. ${said.join('; ')}.</desc>`,
    `  <style>${STYLE}</style>`,
    ...lines,
    ...labels,
    ...sites.map((site) => siteBox(net, site, at(site))),
    '</svg>',
    '',
  ].join('\n');
}

/** Large enough that two boxes side by side do not touch. */
function circleOf({ sites }: Net): Circle {
  const radius = Math.ceil(Math.max(RADIUS_MIN, (BOX.width + GAP) / 2 / Math.sin(Math.PI / sites.length)));
  return { radius, middle: radius + MARGIN };
}

function placesOf({ sites, hub }: Net, { middle, radius }: Circle): Map<string, Point> {
  const around = sites.filter((site) => site !== hub);
  // Two sites side by side, more from the top on.
  const first = around.length === 2 ? Math.PI : -Math.PI / 2;
  return new Map(
    around.map((site, i) => {
      const angle = first + (2 * Math.PI * i) / around.length;
      const x = rounded(middle + radius * Math.cos(angle));
      return [site, { x, y: rounded(middle + radius * Math.sin(angle)) }] as const;
    }),
  );
}

function siteBox(net: Net, site: string, { x, y }: Point): string {
  const [end] = endsOf(net, site);
  const { width, height } = BOX;
  const corner = `x="${x - width / 2}" y="${y - height / 2}"`;
  return [
    `  <rect${site === net.hub ? ' class="hub"' : ''} ${corner} width="${width}" height="${height}" rx="8"/>`,
    `  <text x="${x}" y="${y - 4}">${site}</text>`,
    `  <text class="address" x="${x}" y="${y + 14}">${end?.reached ?? ''}</text>`,
  ].join('\n');
}

function typeOf({ ends: [{ parsed }] }: NetPath): string {
  const { tunnel, carrier } = parsed;
  return carrier.type === 'plain' ? tunnel.type : `${tunnel.type} in ${carrier.type}`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
