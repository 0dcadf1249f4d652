/** Programs that tell of packets as they pass: `nft monitor trace`, and tcpdump on netfilter's log. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../../errors.js';
import { PcapStream } from '../../trace/pcap-stream.js';
import { toolEnvironment } from '../exec.js';
import { type ProcessIdentity, identityOf } from '../process.js';
import { startProgram } from '../program.js';
import { shortageOf } from '../shortage.js';

/** A program that is being read from. */
export interface Reader {
  readonly identity: ProcessIdentity;
  /** Resolves when it listens. @throws ClearDfError ENVIRONMENT when it is not installed or ends instead; at `stop` */
  readonly ready: Promise<void>;
  /**
   * Ends it, when all that it had printed has been handed on, and whatever it has started; one that does not end is not
   * waited for long.
   * @returns what to say when it had ended before
   */
  stop(): Promise<string | undefined>;
}

const READY_MS = 20_000;
const POLL_MS = 20;
const NETLINK_NETFILTER = 12;
/** NFNLGRP_NFTRACE is group 9 (nfnetlink.h). */
const TRACE_GROUP = 1 << 8;

/** Lines of `nft -a monitor trace`. @param stop ends the wait until it listens */
export function readNft(onLine: (line: string) => void, stop?: AbortSignal): Reader {
  let rest = '';
  const take = (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
  const listens = ({ pid }: Seen) => isSubscribed(pid);
  return start(['nft', '-a', 'monitor', 'trace'], { install: 'apt-get install nftables', take, listens, stop });
}

/** What is logged to NFLOG group 0; libpcap makes that the logger of this network namespace. @param stop as there */
export function readNflog(onPacket: (packet: Buffer) => void, stop?: AbortSignal): Reader {
  const pcap = new PcapStream();
  const take = (chunk: Buffer) => pcap.push(chunk).forEach(onPacket);
  const words = ['tcpdump', '-Z', 'root', '-U', '-s', '256', '-i', 'nflog:0', '-w', '-'];
  const listens = ({ said }: Seen) => said.includes('listening on');
  return start(words, { install: 'apt-get install tcpdump', take, listens, stop });
}

interface Seen {
  pid: number;
  /** On its standard error. */
  said: string;
}

interface ReaderOptions {
  /** How to get the program. */
  install: string;
  /** Gets what it prints. */
  take: (chunk: Buffer) => void;
  listens: (seen: Seen) => boolean;
  stop: AbortSignal | undefined;
}

function start([command = '', ...args]: readonly string[], { install, take, listens, stop }: ReaderOptions): Reader {
  let [said, ended] = ['', false];
  const program = startProgram(command, args, {
    env: toolEnvironment(),
    stdout: take,
    stderr: (chunk) => (said += chunk.toString('latin1').slice(0, 2000)),
  });
  const { pid } = program;
  void program.ended.then(() => (ended = true));
  const ready = (async () => {
    for (const limit = Date.now() + READY_MS; Date.now() < limit; await pause(POLL_MS)) {
      if (ended) throw refused(command, whyEnded((await program.ended).failed, said), install);
      if (stop?.aborted === true) throw refused(command, `${String(stop.reason)} came before it listened`);
      if (pid !== undefined && listens({ pid, said })) return;
    }
    throw refused(command, `it does not listen within ${READY_MS / 1000} s`);
  })();
  ready.catch(() => undefined);
  return {
    identity: identityOf(pid ?? 0),
    ready,
    async stop() {
      const before = ended;
      program.end();
      await program.ended;
      return before ? `what came after ${command} had ended unasked: ${said.trim()}` : undefined;
    },
  };
}

function whyEnded(failed: string | undefined, said: string): string {
  if (failed === undefined) return said.trim();
  return failed === 'ENOENT'
    ? 'it is not installed'
    : (shortageOf(failed)?.reason ?? `it cannot be started (${failed})`);
}

function refused(command: string, reason: string, hint?: string): ClearDfError {
  return new ClearDfError({ code: 'ENVIRONMENT', operation: 'trace with', object: command, reason, hint });
}

/** Whether the process's netlink socket hears of traces: a socket's port id is its owner's pid (netlink_autobind). */
function isSubscribed(pid: number): boolean {
  return readFileSync('/proc/net/netlink', 'latin1')
    .split('\n')
    .some((line) => {
      const [, protocol, port, groups = '0'] = line.trim().split(/\s+/);
      return (
        Number(protocol) === NETLINK_NETFILTER && Number(port) === pid && (parseInt(groups, 16) & TRACE_GROUP) !== 0
      );
    });
}
