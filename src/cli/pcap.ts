/** `clear-df pcap IN OUT`: the packet rules over a capture file, without root and without the kernel. */
import { Command } from 'commander';
import { type CaptureBatch, CaptureReader, type CutShort } from '../capture/reader.js';
import { knowsLinkType, networkOffset } from '../capture/link.js';
import { fromBlock, type CounterName, type Counters } from '../counters.js';
import { ClearDfError } from '../errors.js';
import { native, type IdentificationPolicy, type NativeRules } from '../native.js';
import { count } from '../report/human.js';
import { columns } from '../report/table.js';
import { type Explanation, explain } from './explain.js';
import { WordOption } from './option.js';
import { openInput, type PcapInput } from './pcap-input.js';
import { openOutput, type PcapOutput } from './pcap-output.js';

const POLICIES: readonly IdentificationPolicy[] = ['random', 'keep', 'sequential'];

const DETAILS: Explanation = {
  text: `
IN and OUT are pcap or pcapng files; '-' is standard input or output. OUT has the format of IN and equals it
byte for byte but for the identification, DF and header checksum of the packets that were cleared.

Link types: Ethernet with up to two VLAN tags, raw IP, Linux cooked (v1 and v2), BSD loopback.
Frames of anything else are copied and counted as not IP.

A capture that ends in the middle of a packet, as a killed tcpdump leaves it, gives an OUT with every packet before
that, and exit code 1. On any other error there is no OUT, and one that existed is left as it was.`,
  examples: [
    ['clear-df pcap in.pcap out.pcap', 'what the queue would have made of a capture'],
    ['clear-df pcap --json in.pcapng -', 'the capture on standard output, the counters on standard error'],
  ],
  see: ['tcpdump(1)'],
};

/** What is counted before the rules are asked. */
interface FrameCounts {
  frames: number;
  notIp: number;
  /** Frames per link type that is not known; they are among `notIp`. */
  unknownLinkTypes: Record<number, number>;
}

interface PcapReport extends FrameCounts {
  input: string;
  output: string;
  format: string | undefined;
  identification: IdentificationPolicy;
  counters: Counters;
}

/** The command, for the table of commands in main. */
export function pcapCommand(): Command {
  return explain(new Command('pcap'), DETAILS)
    .argument('<IN>', "capture to read, '-' for standard input")
    .argument('<OUT>', "capture to write, '-' for standard output")
    .addOption(
      new WordOption('--identification <policy>', 'identification of cleared packets', POLICIES).default('random'),
    )
    .option('--json', 'print the counters as JSON')
    .action(run);
}

async function run(
  inputName: string,
  outputName: string,
  options: { identification: IdentificationPolicy; json?: true },
): Promise<void> {
  const rules = new (native().Rules)(options.identification);
  const counts: FrameCounts = { frames: 0, notIp: 0, unknownLinkTypes: {} };
  const reader = new CaptureReader();
  const input = await openInput(inputName);
  let cut: CutShort | undefined;
  try {
    const output = await openOutput(outputName, input);
    try {
      cut = await copy(input, output, reader, (batch) => edit(batch, rules, counts));
      await output.commit();
    } finally {
      await output.discard();
    }
  } finally {
    await input.close();
  }
  const report: PcapReport = {
    input: inputName,
    output: outputName,
    format: reader.format,
    identification: options.identification,
    ...counts,
    counters: fromBlock(rules.counters()),
  };
  const words = options.json ? `${JSON.stringify(report)}\n` : table(report);
  (outputName === '-' ? process.stderr : process.stdout).write(words);
  if (cut !== undefined) throw cutShort(input.name, cut);
}

async function copy(
  input: PcapInput,
  output: PcapOutput,
  reader: CaptureReader,
  onBatch: (batch: CaptureBatch) => void,
): Promise<CutShort | undefined> {
  for await (const chunk of input.chunks()) {
    const batch = named(input.name, () => reader.push(chunk));
    onBatch(batch);
    if (batch.bytes.length > 0) await output.write(batch.bytes);
  }
  return named(input.name, () => reader.end());
}

/** A reader of bytes knows where sense ends, not in which file. */
function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!ClearDfError.is(error)) throw error;
    const { code, operation, object = '', reason, hint } = error;
    throw new ClearDfError({ code, operation, object: `${name} ${object}`, reason, hint, cause: error });
  }
}

function edit(batch: CaptureBatch, rules: NativeRules, counts: FrameCounts): void {
  for (const { linkType, offset, captured, original } of batch.packets) {
    counts.frames += 1;
    const header = networkOffset(linkType, batch.bytes.subarray(offset, offset + captured));
    if (header !== undefined) {
      rules.apply(batch.bytes, offset + header, captured - header, original - header);
      continue;
    }
    counts.notIp += 1;
    if (!knowsLinkType(linkType)) {
      counts.unknownLinkTypes[linkType] = (counts.unknownLinkTypes[linkType] ?? 0) + 1;
    }
  }
}

/** The labels of `clear-df stats`, as far as a capture can raise them; those indented twice are part of the one above. */
const LINES: readonly (readonly [counter: CounterName, label: string])[] = [
  ['cleared', '  DF cleared'],
  ['fragments', '    of those fragments'],
  ['identifications', '    identifications given out'],
  ['alreadyClear', '  DF already clear'],
  ['ahPassed', '  AH, identification 0'],
  ['notIpv4', '  not IPv4'],
  ['malformed', '  malformed'],
  ['truncated', '  truncated'],
  ['badChecksum', '  bad header checksum'],
];

function table({ frames, notIp, unknownLinkTypes, format, counters }: PcapReport): string {
  const rows: [string, number][] = [[`frames (${format})`, frames]];
  for (const [name, label] of LINES) {
    if (counters[name] > 0 || name === 'cleared') rows.push([label, counters[name]]);
  }
  if (notIp > 0) rows.push(['  not IP', notIp]);
  for (const [linkType, number] of Object.entries(unknownLinkTypes)) {
    rows.push([`    link type ${linkType}, not known`, number]);
  }
  return `${columns(rows.map(([label, number]) => [{ text: label }, { text: count(number) }]))}\n`;
}

function cutShort(name: string, cut: CutShort): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'read',
    object: name,
    reason: `it is cut short: of the ${cut.needed} bytes from byte ${cut.offset} on there are ${cut.held}`,
    hint: 'OUT holds every packet before that; capture again if the last one matters',
  });
}
