/** `clear-df probe HOST`: what the path to a host carries. */
import { Command } from 'commander';
import { usageError } from '../errors.js';
import { readIpv4Prefix, singleAddress } from '../net/address.js';
import { type ProbeFindings, type Send, BYTES_MAX, probePath } from '../commands/probe.js';
import { isOneHost, resolveHost, sendTo } from '../commands/probe-send.js';
import { type Explanation, explain } from './explain.js';
import { probeTable, verdict } from '../commands/probe-text.js';

const CLEAR_LINE = '\r\x1b[K';
/** The smallest MTU of IPv4 (RFC 791). */
const MTU_MIN = 68;

const DETAILS: Explanation = {
  text: `
Sends echo requests (ping) of its own making and needs CAP_NET_RAW. All sizes are those of IPv4 packets: ping -s 1472
makes 1500 bytes. Path MTUs that this host has cached are not heeded; what exceeds its own device is refused (EMSGSIZE).

  full size            DF set; the answer must come back whole
  largest, one more    found with the MTUs that routers tell, else by halving
  sent in fragments    a request that would pass whole, cut in two; its answer comes whole
  answered in fragments  a request so large that its answer cannot come whole, in fragments that fit

A host that answers no large pings looks like a way back that drops fragments. As with any ping, this host's kernel
remembers for ten minutes what routers have reported about the path: ip route flush cache makes it forget.`,
  examples: [
    ['clear-df probe 172.16.0.1', 'packets of 1500 bytes, whole and in fragments'],
    ['clear-df probe --size 1280 --tries 10 172.16.0.1', 'smaller ones, on a path that loses some'],
  ],
  exit: '0 when full-size packets with DF pass there and back, 1 when they do not or nothing answers at all',
  see: ['ping(8)'],
};

interface ProbeFlags {
  size: number;
  from?: string;
  tries: number;
  timeout: number;
  json?: true;
}

/** The command, for the table of commands in main. */
export function probeCommand(): Command {
  return explain(new Command('probe'), DETAILS)
    .argument('<HOST>', 'name or IPv4 address')
    .option('--size <bytes>', 'full size: what is to pass with DF', parseSize, 1500)
    .option('--from <address>', "this host's address to send from (default: chosen by the route)", parseAddress)
    .option('--tries <n>', 'requests of each kind', parseTries, 3)
    .option('--timeout <seconds>', 'how long to wait for an answer', parseTimeout, 1)
    .option('--json', 'print JSON')
    .action(run);
}

const parseSize = (text: string) => whole('--size', text, MTU_MIN, BYTES_MAX);
const parseTries = (text: string) => whole('--tries', text, 1, 100);

function whole(option: string, text: string, least: number, most: number): number {
  const number = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : NaN;
  if (!(number >= least && number <= most)) throw usageError(option, text, `a whole number, ${least}-${most}`);
  return number;
}

function parseTimeout(text: string): number {
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
  if (!(seconds >= 0.01 && seconds <= 60)) throw usageError('--timeout', text, 'seconds, 0.01-60');
  return seconds;
}

function parseAddress(text: string): string {
  const prefix = readIpv4Prefix(text);
  const address = typeof prefix === 'string' && !text.includes('/') ? singleAddress(prefix) : undefined;
  if (address === undefined || !isOneHost(address)) {
    throw usageError('--from', text, 'an IPv4 address of this host');
  }
  return address;
}

async function run(host: string, flags: ProbeFlags): Promise<void> {
  const address = await resolveHost(host);
  const { source, send } = watched(sendTo(host, address, flags));
  const findings = await probePath(send, flags.size).finally(() => progress(''));
  const report = { host, address, source: source(), ...findings, verdict: verdict(findings, host) };
  process.stdout.write(flags.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  process.exitCode = findings.fullSize === 'yes' ? 0 : 1;
}

function text(
  report: ProbeFindings & { host: string; address: string; source: string | undefined; verdict: string },
): string {
  const { host, address, source, rows } = report;
  const named = host === address ? address : `${host} (${address})`;
  const from = source === undefined ? '' : ` from ${source}`;
  return `probe of ${named}${from}\n\n${probeTable(rows)}\n${report.verdict}\n`;
}

/** Shows on a terminal what is asked at present, and notices which of this host's addresses is used. */
function watched(send: Send): { source: () => string | undefined; send: Send } {
  let source: string | undefined;
  return {
    source: () => source,
    async send(question) {
      progress(`${question.bytes} bytes with DF ${question.dontFragment ? 'set' : 'clear'} ...`);
      const results = await send(question);
      source = results.find(({ outcome }) => outcome === 'answered')?.source ?? source;
      return results;
    },
  };
}

function progress(words: string): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE + words);
}
