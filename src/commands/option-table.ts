/** How every option is written: its flag, its help, the accepted form, and what a running service can do with it. */
import { DEFAULT_LISTEN } from '../report/listen.js';

export interface OptionInfo {
  group: 'queue' | 'rules' | 'fast-path' | 'service';
  /** The flag as `--help` shows it. */
  flag: string;
  help: string;
  accepted: string;
  /** What is taken when it is not given, in words; none when there is nothing to say. */
  defaultText?: string;
  /** Takes a new value on HUP; the others are bound into the queue and need a new start. */
  live: boolean;
  /** Is a flag only, no key of the file. */
  flagOnly?: true;
}

const TRUTH = 'true or false';

export const OPTIONS = {
  queue: {
    group: 'queue',
    flag: '--queue <N|N:M>',
    help: 'netfilter queue, or a range of queues',
    accepted: 'N or N:M with 0 <= N <= M <= 65535, at most 256 queues',
    live: false,
  },
  identification: {
    group: 'queue',
    flag: '--identification <policy>',
    help: 'identification of packets that become fragmentable',
    accepted: 'random, keep or sequential',
    defaultText: 'random',
    live: true,
  },
  gso: {
    group: 'queue',
    flag: '--gso <mode>',
    help:
      'GSO packets: auto decides by the hook that each carries; on: none of them is delivered to this host; ' +
      'off: the kernel segments them first',
    accepted: 'auto, on or off',
    defaultText: 'auto',
    live: false,
  },
  'fail-open': {
    group: 'queue',
    flag: '--no-fail-open',
    help: 'drop packets, instead of passing them unchanged, while this process stalls; overload always drops',
    accepted: TRUTH,
    defaultText: 'true',
    live: false,
  },
  companion: {
    group: 'queue',
    flag: '--companion <N>',
    help: 'queue for GSO packets that must be segmented first',
    accepted: 'a queue number 0-65535 outside the range of --queue',
    defaultText: 'a free one',
    live: false,
  },
  'queue-length': {
    group: 'queue',
    flag: '--queue-length <packets>',
    help: 'packets that may wait for a verdict',
    accepted: 'packets, 1-2147483647',
    defaultText: '1048576',
    live: false,
  },
  'receive-buffer': {
    group: 'queue',
    flag: '--receive-buffer <bytes>',
    help: 'receive buffer of the netlink socket',
    accepted: 'bytes, 65536-1073741824',
    defaultText: '67108864',
    live: false,
  },
  'copy-range': {
    group: 'queue',
    flag: '--copy-range <bytes>',
    help: 'bytes of each packet that the kernel hands over; longer packets pass unchanged',
    accepted: 'bytes, 20-65531',
    defaultText: '65531',
    live: false,
  },
  batch: {
    group: 'queue',
    flag: '--batch <packets>',
    help: 'packets taken and answered at once',
    accepted: 'packets, 1-64',
    defaultText: '64',
    live: false,
  },
  coalesce: {
    group: 'queue',
    flag: '--coalesce <usecs>',
    help: 'longest pause to gather packets while many come; 0 for none',
    accepted: 'microseconds, 0-1000',
    defaultText: '50',
    live: false,
  },
  'install-rules': {
    group: 'rules',
    flag: '--install-rules',
    help: 'install the firewall rules that feed the queue, and remove them at the end',
    accepted: TRUTH,
    defaultText: 'false',
    live: true,
  },
  hook: {
    group: 'rules',
    flag: '--hook <hook>',
    help: 'where packets are taken',
    accepted: 'output, prerouting, postrouting or bridge',
    defaultText: 'output, with --forwarded prerouting',
    live: true,
  },
  proto: {
    group: 'rules',
    flag: '--proto <proto>',
    help: 'which protocol',
    accepted: 'gre, esp, udp:PORT or all',
    defaultText: 'gre at output and postrouting, otherwise all',
    live: true,
  },
  local: {
    group: 'rules',
    flag: '--local <address>',
    help: 'source address of the packet that is queued',
    accepted: 'an IPv4 address or prefix',
    live: true,
  },
  remote: {
    group: 'rules',
    flag: '--remote <address>',
    help: 'destination address of the packet that is queued',
    accepted: 'an IPv4 address or prefix',
    live: true,
  },
  'in-dev': {
    group: 'rules',
    flag: '--in-dev <device>',
    help: 'device that the packet came in by',
    accepted: 'a device name',
    live: true,
  },
  'out-dev': {
    group: 'rules',
    flag: '--out-dev <device>',
    help: 'device that the packet leaves by; at --hook bridge the bridge port of the tunnel',
    accepted: 'a device name',
    live: true,
  },
  'larger-than': {
    group: 'rules',
    flag: '--larger-than <bytes|mtu>',
    help: 'only packets longer than this, from the IP header on',
    accepted: 'bytes, 68-65534, or mtu',
    defaultText: 'any length, with --forwarded mtu',
    live: true,
  },
  forwarded: {
    group: 'rules',
    flag: '--forwarded',
    help: 'also packets of others in transit, which RFC 6864 section 4.3 forbids',
    accepted: TRUTH,
    defaultText: 'false',
    live: true,
  },
  'include-quic': {
    group: 'rules',
    flag: '--include-quic',
    help: 'forwarded packets from and to UDP port 443 too; QUIC finds its packet size with DF',
    accepted: TRUTH,
    defaultText: 'false',
    live: true,
  },
  fanout: {
    group: 'rules',
    flag: '--fanout <mode>',
    help: 'how packets spread over the queues of a range: by their addresses, or by the CPU that they are on',
    accepted: 'hash or cpu',
    defaultText: 'hash',
    live: true,
  },
  bypass: {
    group: 'rules',
    flag: '--no-bypass',
    help: 'drop matched packets while nothing listens on the queue',
    accepted: TRUTH,
    defaultText: 'true',
    live: true,
  },
  name: {
    group: 'rules',
    flag: '--name <name>',
    help: 'owner of the rules: their comment is clear-df:<name>',
    accepted: 'letters, digits, _ and -, at most 32',
    defaultText: 'default',
    live: true,
  },
  backend: {
    group: 'rules',
    flag: '--backend <backend>',
    help: 'firewall to install the rules in',
    accepted: 'auto, iptables-legacy, iptables-nft or nft',
    defaultText: 'auto',
    live: true,
  },
  'fast-path': {
    group: 'fast-path',
    flag: '--fast-path <mode>',
    help:
      'clear DF in the kernel, before any rule, and leave to the queue what only it can do: auto, with ' +
      '--install-rules or --fast-path-dev; require: or refuse to start; off',
    accepted: 'auto, off or require',
    defaultText: 'auto',
    live: true,
  },
  'fast-path-dev': {
    group: 'fast-path',
    flag: '--fast-path-dev <device>',
    help: 'for rules of your own: the device whose outgoing packets are cleared, the bridge port of the tunnel',
    accepted: 'a device name',
    live: true,
  },
  metrics: {
    group: 'service',
    flag: '--metrics <address:port>',
    help: 'where /metrics and /stats are served',
    accepted: `ADDR:PORT such as ${DEFAULT_LISTEN} or [::1]:9857, or off`,
    defaultText: DEFAULT_LISTEN,
    live: true,
  },
  stats: {
    group: 'service',
    flag: '--stats <seconds>',
    help: 'log a line of rates at this interval in seconds',
    accepted: 'seconds, 0.1-86400',
    live: true,
  },
  'log-level': {
    group: 'service',
    flag: '--log-level <level>',
    help: 'log level on stderr',
    accepted: 'trace, debug, info, warn, error, fatal or silent',
    defaultText: 'info',
    live: true,
  },
  'log-format': {
    group: 'service',
    flag: '--log-format <format>',
    help: 'how the log is written; auto: text on a terminal and for journald, JSON otherwise',
    accepted: 'auto, text or json',
    defaultText: 'auto',
    live: true,
  },
  'dry-run': {
    group: 'service',
    flag: '--dry-run',
    help: 'print the plan and the rules, change nothing',
    accepted: TRUTH,
    live: false,
    flagOnly: true,
  },
} as const satisfies Record<string, OptionInfo>;

export type OptionName = keyof typeof OPTIONS;

/** The text that was given for an option, and where: `--queue`, or `FILE:LINE:COLUMN queue`. */
export interface Given {
  text: string;
  where: string;
}

/** What was given, by flag or file; what is missing has its default. */
export type GivenOptions = Partial<Record<OptionName, Given>>;

/** Every option's name, in the order of help. */
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/** The names that are keys of the file. */
export const FILE_KEYS: readonly string[] = OPTION_NAMES.filter((name) => !optionInfo(name).flagOnly);

/** One option's entry. */
export function optionInfo(name: OptionName): OptionInfo {
  return OPTIONS[name];
}

/** Whether a word is the name of an option. */
export function isOptionName(word: string): word is OptionName {
  return Object.hasOwn(OPTIONS, word);
}
