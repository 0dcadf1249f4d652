/** The flags that say which packets are queued and where, for `clear-df rules`. */
import { type Command, Option } from 'commander';
import { missingError } from '../errors.js';
import { BACKEND_CHOICES, type BackendChoice, parseBackendChoice } from '../host/firewall.js';
import { parseQueueRange, QUEUE_RANGE_FORM } from '../net/queue-range.js';
import { FANOUTS, HOOKS, type RuleSpec, parseRuleSpec } from '../rules/spec.js';

/** The flags as commander hands them over; absent where not given. */
export interface RuleFlags {
  name?: string;
  /** `N` or `N:M` */
  queue?: string | number;
  hook?: string;
  proto?: string;
  local?: string;
  remote?: string;
  inDev?: string;
  outDev?: string;
  largerThan?: string | number;
  forwarded?: boolean;
  includeQuic?: boolean;
  fanout?: string;
  bypass?: boolean;
  backend?: string;
}

/** Adds every rule flag but `--queue`, which only installing has. */
export function addRuleFlags(command: Command): Command {
  return command
    .option('--name <name>', "the instance that owns the rules; their comment is clear-df:<name> (default: 'default')")
    .option('--hook <hook>', `${HOOKS.join(' | ')} (default: output, prerouting when forwarded)`)
    .option('--proto <protocol>', 'gre | esp | udp:PORT | all (default: gre at output and postrouting, all elsewhere)')
    .option('--local <address>', 'only packets from this source address or prefix')
    .option('--remote <address>', 'only packets to this destination address or prefix')
    .option('--in-dev <device>', 'only packets that came in by this device')
    .option('--out-dev <device>', 'only packets that leave by this device; at prerouting: whose MTU is meant')
    .option('--larger-than <bytes|mtu>', 'only packets longer than this (default for forwarded packets: mtu)')
    .option('--forwarded', "packets in transit, someone else's: off by default, see RFC 6864 section 4.3")
    .option('--include-quic', 'forwarded packets from and to UDP port 443 too')
    .option('--fanout <mode>', `how packets spread over several queues: ${FANOUTS.join(' | ')} (default: hash)`)
    .option('--no-bypass', 'drop matching packets while nothing listens on the queue')
    .addOption(
      new Option('--backend <backend>', `${BACKEND_CHOICES.join(' | ')} (default: auto)`).argParser(parseBackendChoice),
    );
}

/**
 * The rule that flags ask for.
 * @throws ClearDfError USAGE that names the flag, the value and the accepted form
 */
export function ruleSpecFromFlags(flags: RuleFlags): RuleSpec {
  if (flags.queue === undefined) throw missingError('--queue', QUEUE_RANGE_FORM);
  const queues = parseQueueRange(String(flags.queue));
  const { name, hook, proto, local, remote, inDev, outDev, forwarded, includeQuic, fanout, bypass } = flags;
  const where = { name, hook, proto, local, remote, inDev, outDev, largerThan: bytes(flags.largerThan) };
  const given = { ...where, forwarded, includeQuic, queues, fanout, bypass };
  return parseRuleSpec(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
}

/** The backend that flags ask for; `auto` when they do not. @throws ClearDfError USAGE */
export function backendFromFlags({ backend }: RuleFlags): BackendChoice {
  return backend === undefined ? 'auto' : parseBackendChoice(backend);
}

/** Digits become a number; anything else is left for the rule's own check to refuse. */
function bytes(value: string | number | undefined): string | number | undefined {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}
