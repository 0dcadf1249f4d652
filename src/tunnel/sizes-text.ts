/** The arithmetic of a tunnel as a table. */
import { align } from '../net/columns.js';
import { fragmentHeader, type InnerCut, type Sizes, VLAN_TAG, versionOf } from './sizes.js';

/** Lines: every layer with its source, the sum, and each packet on the wire. */
export function sizesText(sizes: Sizes, mtu: number): string[] {
  const { inner, layers, outer, pathMtu, cutBy, packets, later, wire, fits, inside } = sizes;
  const limit = later.length > 0 ? `the MTU of ${cutBy}, ${pathMtu}` : `the path's MTU of ${pathMtu}`;
  const header = fragmentHeader(versionOf(sizes));
  const rows: [string, string, string][] = [
    ["a host's packet of full size", String(inner), ''],
    ...(inside === undefined ? [] : pieceRows(inside)),
    ...layers.map(({ name, bytes, source }): [string, string, string] => [`+ ${name}`, String(bytes), source]),
    inside === undefined || packets.length === 1
      ? ['= outer packet', String(outer), packets.length === 1 ? `fits ${limit}` : `more than ${limit}`]
      : ['= outer packets', packets.map(({ length }) => length).join(' + '), `each fits ${limit}`],
  ];
  if (packets.length > 1 && inside === undefined) {
    for (const [i, { length, offset, moreFragments }] of packets.entries()) {
      const flags = moreFragments ? 'more fragments follow' : 'the last one';
      rows.push([
        `  fragment ${i + 1}`,
        String(length),
        `${header} + ${length - header}, at offset ${offset}; ${flags}`,
      ]);
    }
  }
  if (later.length > 0) {
    rows.push(
      ...later.map(({ name, bytes, source }): [string, string, string] => [`+ ${name}`, String(bytes), source]),
    );
    const lengths = wire.map(({ length }) => length).join(' + ');
    rows.push(['= on the wire', lengths, packets.length === 1 ? '' : 'the layers above are those of the first packet']);
  }
  const largest = Math.min(fits, mtu);
  rows.push([
    'largest inner packet that stays whole',
    String(largest),
    fits > mtu ? `the path has room for ${fits}` : '',
  ]);
  return align(
    rows.map((cells) => cells.map((text) => ({ text }))),
    (column) => column === 1,
  );
}

/** What the bridge makes of it; the layers behind these rows are those of the first piece. */
function pieceRows({ mtu, pieces }: InnerCut): [string, string, string][] {
  if (pieces.length === 1) return [];
  return [
    ['MTU of the tunnel and the bridge', String(mtu), `with room for a VLAN tag, ${VLAN_TAG}`],
    ...pieces.map(({ length, offset, moreFragments }, i): [string, string, string] => [
      `  piece ${i + 1}`,
      String(length),
      `at offset ${offset}; ${moreFragments ? 'more follow' : 'the last one'}; in an outer packet of its own`,
    ]),
  ];
}
