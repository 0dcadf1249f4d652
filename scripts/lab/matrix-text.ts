/** `docs/support-matrix.md`, made of what the lab saw. Pure. */
import { machinesText } from './matrix-machines.js';
import type { Cell, Matrix, Seen, Way } from './matrix.js';

const WAY_TITLES: Record<Way, string> = {
  nothing: 'nothing',
  article: '`OUTPUT -p gre`',
  'nfqueue br-netfilter': '`nfqueue`, `br-netfilter`',
  'nfqueue nft-bridge': '`nfqueue`, `nft-bridge`',
  'tunnel-flag': '`tunnel-flag`',
  bpf: '`bpf`',
  none: '`none`',
};

const HEAD = `# Support matrix

<!-- Written by the lab: npm run lab -- --story matrix --all --write. A test fails when it differs. -->

Do full-size packets with DF cross the tunnel? Seen on stock Debian kernels, not thought out: the lab
(\`npm run lab -- --story matrix\`) sets up the article's network in a guest, sends, and writes this page.

- **yes**: everything below arrived, and the WAN saw what it should.
- **limit**: single packets arrive, something else does not: see the note.
- **no**: full-size packets are lost, or \`clear-df tunnel up\` refuses: see the note. _Refused_ packets there: an ICMP
  error told the host to send smaller ones.

Each cell is the way from host A to host B: \`ping -M do -s 1472\` (its answers come back without DF), UDP of 1472
bytes, UDP GSO packets of 32 × 1472 bytes, and 1 MB of TCP with every byte compared and no checksum error; the last
two with a VLAN tag as well. On the WAN: nothing but the carrier's protocol, two fragments of every full-size packet (two whole
packets, where it is cut before it is sealed), no DF, no identification that comes twice, nor several that are 0. Only router A changes between rows; router B has engine
\`tunnel-flag\`, of type vxlan \`bpf\`, of type l2tp \`none\`. Of three sites, host A sends to the hosts of both others, alike.

- **nothing**: a gretap as \`tunnel up\` makes it, without \`ignore-df\` and without clear-df; a VXLAN without the program.
- **\`OUTPUT -p gre\`**: that, with the article's own rule and \`clear-df run --queue 0\` behind it.
- the others: \`engine\`, and \`hook\` for the queue, in the site file of \`clear-df tunnel up\`. Whether bpf works depends on
  the kernel alone: later carriers are not seen with it. Types without a carrier are \`plain\`.
`;

/** The whole page. */
export function matrixText(matrix: Matrix): string {
  const notes: string[] = [];
  const carriers = unique(matrix.cells.map(({ carrier }) => carrier));
  const tables = carriers.map((carrier) => carrierText(carrier, matrix, notes));
  const numbered = notes.map((note, at) => `${at + 1}. ${note}`);
  return `${[HEAD, kernelsText(matrix), ...tables, machinesText(matrix.machines), `## Notes\n\n${numbered.join('\n')}\n`].join('\n')}`;
}

function kernelsText({ sights }: Matrix): string {
  const rows = sights.map(({ kernel, release, version, date }) => `| ${kernel} | ${release} | ${version} | ${date} |`);
  const head = '| kernel | release | clear-df | seen on |\n| --- | --- | --- | --- |';
  return `## Kernels\n\n${head}\n${unique(rows).sort(byNumber).join('\n')}\n`;
}

/** One carrier: a row for each way, a column for each kernel, so that it fits a narrow screen. */
function carrierText(carrier: string, { cells }: Matrix, notes: string[]): string {
  const here = cells.filter((cell) => cell.carrier === carrier);
  const kernels = unique(here.map(({ kernel }) => kernel));
  const rows = unique(here.map(({ way }) => way)).map((way) => {
    const words = kernels.map((kernel) =>
      cellText(
        here.find((cell) => cell.way === way && cell.kernel === kernel),
        notes,
      ),
    );
    return `| ${[WAY_TITLES[way], ...words].join(' | ')} |`;
  });
  const head = [`| way | ${kernels.join(' | ')} |`, `| --- |${' --- |'.repeat(kernels.length)}`];
  const title = carrier.startsWith('type ') ? `T${carrier.slice(1)}` : `Carrier: ${carrier}`;
  return `## ${title}\n\n${[...head, ...rows].join('\n')}\n`;
}

function cellText(cell: Cell | undefined, notes: string[]): string {
  if (cell === undefined) return 'not seen';
  if (cell.outcome === 'works') return 'yes';
  const note = cell.refused === undefined ? seenText(cell.seen) : `\`tunnel up\` refuses: ${cell.refused}`;
  if (!notes.includes(note)) notes.push(note);
  return `${cell.outcome === 'limited' ? 'limit' : 'no'} (${notes.indexOf(note) + 1})`;
}

const ROWS: Record<Exclude<keyof Seen, 'wan'>, string> = {
  ping: '`ping -M do -s 1472`',
  datagrams: 'UDP of 1472 bytes',
  superPackets: 'UDP GSO packets',
  taggedSuperPackets: 'UDP GSO packets with a VLAN tag',
  tcp: 'TCP',
  taggedTcp: 'TCP with a VLAN tag',
};

/** All that was seen: what is wrong first, then what is not. */
function seenText(seen: Seen | undefined): string {
  if (seen === undefined) return 'not seen';
  const fates = new Map<string, string[]>();
  for (const [key, title] of Object.entries(ROWS)) {
    const fate = seen[key as keyof typeof ROWS];
    fates.set(fate, [...(fates.get(fate) ?? []), title]);
  }
  const fine = fates.get('whole');
  fates.delete('whole');
  const parts = [...fates].map(([fate, titles]) => `${fate}: ${titles.join(', ')}`);
  if (fine !== undefined) parts.push(`whole: ${fine.join(', ')}`);
  return [...parts, `WAN: ${seen.wan}`].join('; ');
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
