/** Programs that tell of packets as they pass: `nft monitor trace`, and tcpdump on netfilter's log. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { ClearDfError } from '../../errors.js';
import { PcapStream } from '../../trace/pcap-stream.js';
import { toolEnvironment } from '../exec.js';
import { type ProcessIdentity, identityOf } from '../process.js';

/** A program that is being read from. */
export interface Reader {
  readonly identity: ProcessIdentity;
  /** Resolves when it listens. @throws ClearDfError ENVIRONMENT when it is not installed or ends instead */
  readonly ready: Promise<void>;
  /** Ends it when all that it had printed has been handed on. @returns what to say when it had ended before */
  stop(): Promise<string | undefined>;
}

const READY_MS = 20_000;
const POLL_MS = 20;
const NETLINK_NETFILTER = 12;
/** NFNLGRP_NFTRACE is group 9 (nfnetlink.h). */
const TRACE_GROUP = 1 << 8;

/** Lines of `nft -a monitor trace`. */
export function readNft(onLine: (line: string) => void): Reader {
  let rest = '';
  const take = (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
  return start('nft', ['-a', 'monitor', 'trace'], 'apt-get install nftables', take, ({ pid }) => isSubscribed(pid));
}

/** What is logged to NFLOG group 0; libpcap makes that the logger of this network namespace. */
export function readNflog(onPacket: (packet: Buffer) => void): Reader {
  const pcap = new PcapStream();
  const take = (chunk: Buffer) => pcap.push(chunk).forEach(onPacket);
  const words = ['-Z', 'root', '-U', '-s', '256', '-i', 'nflog:0', '-w', '-'];
  return start('tcpdump', words, 'apt-get install tcpdump', take, ({ said }) => said.includes('listening on'));
}

interface Seen {
  pid: number;
  /** On its standard error. */
  said: string;
}

function start(
  command: string,
  args: readonly string[],
  install: string,
  take: (chunk: Buffer) => void,
  listens: (seen: Seen) => boolean,
): Reader {
  const child = execa(command, args, {
    ...{ stdin: 'ignore', buffer: false, reject: false, env: toolEnvironment(), encoding: 'buffer' },
    // A Ctrl-C is for clear-df, which ends it in its turn.
    detached: true,
  });
  let [said, ended] = ['', false];
  child.stdout.on('data', take);
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('latin1').slice(0, 2000)));
  const end = child.then((result) => {
    ended = true;
    return result;
  });
  const ready = (async () => {
    for (const limit = Date.now() + READY_MS; Date.now() < limit; await pause(POLL_MS)) {
      if (ended) throw refused(command, (await end).code === 'ENOENT' ? 'it is not installed' : said.trim(), install);
      if (child.pid !== undefined && listens({ pid: child.pid, said })) return;
    }
    throw refused(command, `it does not listen within ${READY_MS / 1000} s`);
  })();
  ready.catch(() => undefined);
  return {
    identity: identityOf(child.pid ?? 0),
    ready,
    async stop() {
      const before = ended;
      child.kill('SIGTERM');
      await end;
      return before ? `what came after ${command} had ended unasked: ${said.trim()}` : undefined;
    },
  };
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
