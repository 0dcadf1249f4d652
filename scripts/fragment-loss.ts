/**
 * Measures what the identification is worth when fragments are lost, and writes the table into
 * docs/identification.md. The figures there come from nowhere else.
 *
 *   npx tsx scripts/fragment-loss.ts [ROUNDS]
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';
import { lossTable, type LossyTransfer, lossyTransfer, MEGABYTES, POLICIES } from '../test/helpers/fragment-loss.js';
import { PROJECT } from '../test/helpers/tools.js';

const FILE = path.join(PROJECT, 'docs/identification.md');
const BEGIN = '<!-- fragment-loss: written by scripts/fragment-loss.ts -->';
const END = '<!-- fragment-loss: end -->';

const INTRODUCTION = `# The identification

Once DF is clear a packet may be fragmented, and the receiver puts fragments together by source, destination,
protocol and identification. The identification must then not repeat while fragments of an earlier packet may
still wait (RFC 6864). \`--identification\` chooses how it is given:

- \`random\` (the default): unpredictable, and none repeats within 30,000 consecutive datagrams to a destination
  by a protocol, over all senders and all queues together.
- \`sequential\`: counts up per destination and protocol.
- \`keep\`: what the sender chose, and one as with \`random\` where it chose none (0).

None is ever 0. A GSO packet takes a run of them, because the kernel numbers its segments upwards from the first.

How \`random\` keeps its promise: the numbers are 256 blocks of 256, and each destination and protocol has all of its blocks in a queue,
shuffled. Single datagrams draw from a hand of 32 blocks, in the order of a permutation with a fresh key for each
hand; runs are cut from one open block at a time; a block that is used up goes to the end of the queue. Between two
uses of a number lie at least 38,190 others (\`csrc/packet/id_pool.h\` has the arithmetic).

## Behind NAT

The source is no part of it, because every hook comes before source NAT: behind MASQUERADE the packets of all senders
have one source, and still no identification repeats. With \`keep\` it may: senders choose theirs without each other.
Destination NAT at prerouting comes after clear-df as well. Where it leads several addresses to one host, each of them
has a sequence of its own, and the packets that one sender sends to both may repeat an identification.

## When fragments are lost
`;

function section(rounds: readonly LossyTransfer[][]): string {
  const tables = rounds.map((transfers, i) => `Round ${i + 1}:\n\n${lossTable(transfers)}`).join('\n\n');
  return `${BEGIN}

${MEGABYTES} MB of TCP over a hop with MTU 1200, behind which 0.5 % of all fragments are dropped at random; network
namespaces on Linux ${release().split('-')[0]}. ReasmFails at the receiver, without those of the 30 s time-out: datagrams that
were lost because their identification met a fragment of another datagram that still waited. Beside them the same
with plain \`rand()\` as the identification.

${tables}

${END}`;
}

/** The text with its marked section replaced, or appended when it has none. */
function place(text: string, fresh: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) return `${text.trimEnd()}\n\n${fresh}\n`;
  return text.slice(0, begin) + fresh + text.slice(end + END.length);
}

const count = Number(process.argv[2] ?? 3);
if (!Number.isInteger(count) || count < 1 || count > 20) {
  console.error(`fragment-loss: '${process.argv[2]}' is not accepted; expected rounds, 1-20`);
  process.exit(2);
}
const rounds: LossyTransfer[][] = [];
for (let round = 0; round < count; round++) {
  const transfers: LossyTransfer[] = [];
  for (const policy of POLICIES) transfers.push(await lossyTransfer(policy));
  console.log(`round ${round + 1}\n${lossTable(transfers)}\n`);
  rounds.push(transfers);
}
mkdirSync(path.dirname(FILE), { recursive: true });
const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : INTRODUCTION;
writeFileSync(FILE, place(before, section(rounds)));
console.error(`fragment-loss: wrote ${path.relative(PROJECT, FILE)}`);
