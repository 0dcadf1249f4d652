/** `clear-df trace`: which tables and chains a flow passes, where clear-df sees it, where it is dropped. */
import { Command } from 'commander';
import { EXIT_CODES, missingError, usageError } from '../errors.js';
import { createLogger, type LogLevel } from '../log.js';
import { IPV4_HOST_FORM, readIpv4Host } from '../net/address.js';
import { type SignalWatch, watchSignals } from '../commands/signals.js';
import { runTrace, TRACE_BACKENDS, type TraceBackend } from '../commands/trace.js';
import { FLOW_PROTOCOLS, type FlowProtocol } from '../trace/flow.js';
import { traceText } from '../trace/text.js';
import { type Explanation, explain } from './explain.js';
import { addLogOptions, WordOption } from './option.js';

const DETAILS: Explanation = {
  text: `
Both directions are traced, and with them the GRE packets that carry the flow and the ESP packets around those. One line
for each chain that a packet passed: family and table:chain (a * marks tables of iptables-legacy), the rule or policy
that decided, the verdict, devices (with the bridge's ports in brackets), and whether DF was set when it came there.
"- (hook)": a hook that it passed without any table there.

Packets are marked by an nft table of its own, gone at the end; where nft does not work, by TRACE rules in
iptables-legacy's raw table. What a killed trace leaves, the next one takes away. Tables of iptables-legacy are read by
way of tcpdump.`,
  examples: [
    ['clear-df trace --from 10.32.0.50 --to 10.32.0.111', 'what becomes of their packets, for ten seconds'],
    ['clear-df trace --from 10.32.0.50 --to 10.32.0.111 --proto tcp --port 443 --count 20', 'of one flow'],
  ],
  exit: '0 when the flow was seen, 1 when nothing of it was',
  files: ['state'],
  see: ['nft(8)', 'tcpdump(1)'],
};

interface TraceFlags {
  from?: string;
  to?: string;
  proto?: FlowProtocol;
  port?: number;
  count: number;
  seconds: number;
  backend: TraceBackend;
  json?: boolean;
  dryRun?: boolean;
  logLevel: LogLevel;
}

/** The command, for the table of commands; `signals` when they are watched already. */
export function traceCommand(signals?: SignalWatch): Command {
  return explain(addLogOptions(new Command('trace')), DETAILS)
    .argument('[file]', "a site file: judge by that site's tunnel only")
    .option('--from <address>', 'one end of the flow', (text) => address('--from', text))
    .option('--to <address>', 'the other end', (text) => address('--to', text))
    .addOption(new WordOption('--proto <protocol>', 'only this protocol', FLOW_PROTOCOLS))
    .option('--port <n>', 'only this port of TCP or UDP, on either side', (text) => whole('--port', text, 65_535))
    .option('--count <n>', 'end after this many packets of the flow', (text) => whole('--count', text, 10_000), 1000)
    .option('--seconds <n>', 'end after this many seconds', (text) => whole('--seconds', text, 3600), 10)
    .addOption(new WordOption('--backend <backend>', 'what marks the packets', TRACE_BACKENDS).default('auto'))
    .option('--json', 'print JSON')
    .option('--dry-run', 'print the commands that would be given, and change nothing')
    .action((file: string | undefined, flags: TraceFlags) => run(file, flags, signals));
}

async function run(file: string | undefined, flags: TraceFlags, watched?: SignalWatch): Promise<void> {
  const { from, to, proto: protocol, port, count, seconds, backend, logLevel } = flags;
  if (from === undefined) throw missingError('--from', IPV4_HOST_FORM);
  if (to === undefined) throw missingError('--to', IPV4_HOST_FORM);
  if (port !== undefined && protocol !== 'tcp' && protocol !== 'udp') {
    throw usageError('--port', String(port), 'it together with --proto tcp or --proto udp');
  }
  const signals = watched ?? watchSignals({ hangup: true });
  signals.onHaste(() => 'killed: the next clear-df trace removes its marks');
  try {
    const traced = await runTrace(
      { flow: { from, to, protocol, port }, file, count, seconds, backend, dryRun: flags.dryRun === true },
      {
        log: createLogger(logLevel),
        stop: signals.stop,
        say: (words) => void process.stderr.write(`clear-df: ${words}\n`),
      },
    );
    if (traced === undefined) return;
    process.stdout.write(flags.json === true ? `${JSON.stringify(traced, null, 2)}\n` : traceText(traced));
    if (traced.packets === 0) process.exitCode = EXIT_CODES.RUNTIME;
  } finally {
    if (watched === undefined) signals.dispose();
  }
}

function address(option: string, text: string): string {
  const read = readIpv4Host(text);
  if (typeof read === 'string') return read;
  throw usageError(option, text, IPV4_HOST_FORM, read.hint);
}

function whole(option: string, text: string, most: number): number {
  const number = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : NaN;
  if (!(number <= most)) throw usageError(option, text, `a whole number, 1-${most}`);
  return number;
}
