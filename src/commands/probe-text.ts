/** What was found on a path, for people: a table of what was sent, and one closing sentence. */
import type { Answer } from '../tunnel/enums.js';
import { errnoName } from '../native/errno.js';
import { type Cell, columns } from '../report/table.js';
import { SMALL_BYTES, type Complaint, type ProbeFindings, type ProbeRow } from './probe.js';

/** Bytes: the most that tunnels of a site file put around a host's packet, ESP in UDP in tunnel mode. */
const MOST_AROUND = 100;

const HEADINGS = ['', 'bytes', 'DF', 'fragments', 'sent', 'answered', 'RTT ms'];

const TESTS: Readonly<Record<ProbeRow['test'], string>> = {
  small: 'a small packet',
  'full size': 'full size',
  largest: 'the largest that passes',
  'one more': 'one byte more',
  'fragments out': 'sent in fragments',
  'fragments back': 'answered in fragments',
};

/** ICMP type and code (RFC 792, RFC 1812) as words. */
const ICMP_WORDS: Readonly<Record<string, string>> = {
  '3/0': 'network unreachable',
  '3/1': 'host unreachable',
  '3/2': 'protocol unreachable',
  '3/3': 'port unreachable',
  '3/9': 'administratively prohibited',
  '3/10': 'administratively prohibited',
  '3/13': 'administratively prohibited',
  '11/0': 'time to live exceeded',
  '11/1': 'fragments were not complete in time',
  '12/0': 'parameter problem',
};

/** One line per test, in the order in which one reads them; ends in a newline. */
export function probeTable(rows: readonly ProbeRow[]): string {
  const cells = rows.map((row) => [
    TESTS[row.test],
    String(row.bytes),
    row.dontFragment ? 'set' : 'clear',
    row.pieces === 1 ? '-' : String(row.pieces),
    String(row.sent),
    String(row.answered),
    row.roundTrip === undefined ? '-' : row.roundTrip.toFixed(row.roundTrip < 10 ? 2 : 1),
  ]);
  const text = (line: string[], last: string): Cell[] => [
    ...line.map((cell) => ({ text: cell })),
    { text: last, wide: true },
  ];
  const lines = [text(HEADINGS, ''), ...rows.map((row, i) => text(cells[i] ?? [], remark(row)))];
  return `${columns(lines)}\n`;
}

function remark(row: ProbeRow): string {
  const said = row.complaints.map(complaintText);
  if (row.answerFragment > 0) said.push(`answered in fragments of at most ${row.answerFragment} bytes`);
  else if (row.test === 'fragments back' && row.answered > 0) said.push('answered whole');
  if (row.lost > 0 && row.answered === 0) said.push(said.length > 0 ? 'else no answer' : 'no answer');
  return said.join('; ');
}

function complaintText({ outcome, from, mtu, type, code, errno }: Complaint): string {
  if (outcome === 'refused') {
    const name = errnoName(errno);
    const who = name === 'EPERM' ? "this host's firewall" : 'this host';
    return `refused by ${who}${mtu === 0 ? '' : `, MTU ${mtu}`} (${name})`;
  }
  if (outcome === 'frag-needed') return `frag needed, MTU ${mtu === 0 ? 'not given' : mtu}, from ${from}`;
  return `${ICMP_WORDS[`${type}/${code}`] ?? `ICMP type ${type} code ${code}`}, from ${from}`;
}

/** What it means, in one to three sentences. */
export function verdict(findings: ProbeFindings, host: string): string {
  if (findings.reachable === 'unknown') return nothingKnown(findings, host);
  return [sizeSentence(findings), fragmentSentence(findings), lossSentence(findings)].filter(Boolean).join(' ');
}

function nothingKnown({ rows }: ProbeFindings, host: string): string {
  const complaints = rows.flatMap((row) => row.complaints);
  const said = complaints.map(complaintText).join('; ');
  if (complaints.some(({ outcome }) => outcome === 'refused')) {
    return `Not even ${SMALL_BYTES} bytes leave for ${host} (${said}): nothing else is known.`;
  }
  const why = said === '' ? 'it is down, or a firewall blocks ping' : said;
  return `${host} does not answer even ${SMALL_BYTES} bytes (${why}): nothing else is known.`;
}

function sizeSentence({ size, fullSize, fullSizeBack, largest = 0, limit }: ProbeFindings): string {
  if (fullSize === 'yes') {
    return `Full-size packets with DF pass (${size} bytes)${largest > size ? `; the largest is ${largest}` : ''}.`;
  }
  if (largest >= size && fullSizeBack === 'no') {
    return `Full-size packets with DF (${size} bytes) pass outbound but not on return: the answers arrive in fragments.`;
  }
  const most = `Full-size packets with DF (${size} bytes) do not pass. Path MTU is ${largest}`;
  if (limit?.by === 'router') return `${most}, reported by ${limit.from}.`;
  if (limit?.by === 'host') return `${most}, limited by this host (${errnoName(limit.errno)}).`;
  if (limit?.by === 'unreachable') return `${most}; larger packets are unreachable, reported by ${limit.from}.`;
  return `${most} and no ICMP is sent (a PMTU black hole).`;
}

function fragmentSentence({ size, fullSize, largest = 0, limit, fragments: { out, back } }: ProbeFindings): string {
  const useful = fullSize === 'yes' ? '' : ', so a tunnel that clears DF will work';
  // What this host's own device carries, the route says as well.
  const narrow = limit?.by === 'host' || limit?.by === 'protocol' ? '' : ` and path-mtu: ${largest}`;
  const useless =
    largest >= size + MOST_AROUND
      ? ''
      : `: a tunnel that cuts outside loses every packet that does not fit. fragment: inner${narrow} in the site files cuts ` +
        'before the tunnel (docs/fragment-inner.md)';
  const pass = (how: string, consequence: string) => `Fragments ${how}${consequence}.`;
  const known: Readonly<Partial<Record<`${Answer} ${Answer}`, string>>> = {
    'yes yes': pass('pass in both directions', useful),
    'yes no': pass('pass outbound but not on return', useless),
    'yes unknown': 'Fragments pass outbound; the return direction is unknown: the large answer came whole.',
    'no yes': pass('pass on return but not outbound', useless),
  };
  return known[`${out} ${back}`] ?? pass('do not pass outbound', useless);
}

/** A size that was taken for too large may have been unlucky: none of its tries may have come through. */
function lossSentence({ rows }: ProbeFindings): string {
  const answered = rows.filter((row) => row.answered > 0);
  const sent = answered.reduce((sum, row) => sum + row.sent, 0);
  const lost = answered.reduce((sum, row) => sum + row.lost, 0);
  if (lost === 0) return '';
  return `The path loses packets of any size (${lost} of ${sent}): repeat it with more --tries to be sure.`;
}
