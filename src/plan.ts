/**
 * `clear-df/plan`: what a tunnel takes, as data, for other programs. Pure: nothing is read, nothing is changed, no
 * native code is loaded.
 */
import { beyondJson, ClearDfError, missingError, shortened, usageError } from './errors.js';
import { assumedFacts, type Assumptions, checkAssumptions } from './tunnel/assumed.js';
import { commandText, planText } from './tunnel/plan-text.js';
import { planTunnel } from './tunnel/planner.js';
import { parseSecrets } from './tunnel/secrets.js';
import { parseSite } from './tunnel/site-file.js';
import type { SocketPlan } from './tunnel/carriers/carrier.js';
import type { Sizes } from './tunnel/sizes.js';

export { ClearDfError } from './errors.js';
export type { Assumptions } from './tunnel/assumed.js';
export type { SocketPlan } from './tunnel/carriers/carrier.js';
export type { Layer, Sizes, WirePacket } from './tunnel/sizes.js';

/** The keys of a site file (docs/tunnel.md). */
export interface TunnelSpec {
  name?: string;
  /** Addresses of the two routers. */
  local: string;
  remote?: string;
  /** Of all other routers, in place of `remote`; `tunnel.type` vxlan only. */
  remotes?: readonly string[];
  'path-mtu'?: number;
  /** Device towards the other router. */
  underlay: string;
  /** Bytes. */
  mtu?: number;
  bridge: { name?: string; ports: readonly string[]; 'move-addresses'?: boolean };
  tunnel?: {
    type?: 'gretap' | 'l2tp' | 'vxlan';
    name?: string;
    key?: number;
    pmtudisc?: boolean;
    ttl?: number | 'inherit';
    match?: 'gre' | 'esp';
    /** What the types l2tp and vxlan take more. */
    [key: string]: unknown;
  };
  /** `plain`, or a map with `type` and what that carrier takes. */
  carrier?: string | Readonly<Record<string, unknown>>;
  engine?: 'auto' | 'nfqueue' | 'tunnel-flag' | 'bpf' | 'none';
  fragment?: 'outer' | 'inner';
  hook?: 'auto' | 'br-netfilter' | 'nft-bridge';
  queue?: number | string;
  fanout?: 'hash' | 'cpu';
  identification?: 'random' | 'keep' | 'sequential';
  metrics?: string;
}

export interface PlanOptions {
  /** What the router is taken to be like; without it, one on which everything works and nothing has been set up. */
  machine?: Assumptions;
  /** Text of the key file, or of the file of `ike.psk`; without it there are no associations and policies. Secret. */
  keys?: string;
}

/** One thing that has to be so on the router. */
export interface PlanStep {
  /** Unique within the plan: `mtu gretap1`. */
  key: string;
  kind: string;
  /** What shall be so, and why, for people. */
  desired: string;
  reason: string;
  /** No shell: the first word is the program, `input` its standard input, which may hold keys. */
  commands: { argv: readonly string[]; input?: string }[];
  /** The same for people to read and type; keys are left out. */
  text: string[];
}

export interface TunnelPlan {
  name: string;
  engine: string;
  engineReason: string;
  /** In the order in which they are made; undone backwards. */
  steps: PlanStep[];
  /** Queues are to be served while the tunnel is up: `clear-df tunnel up`, or `ClearDf.open`. */
  queues: { first: number; last: number } | undefined;
  /** A socket with UDP_ENCAP is to be held while the tunnel is up: `clear-df tunnel up`, or `EncapSocket.open(socket)`. */
  socket: SocketPlan | undefined;
  sizes: Sizes;
  cuts: string[];
  notes: string[];
  /** All of it as a commented script. */
  script: string;
}

const SPEC = "an object with the keys of a site file: { local: '192.0.2.1', … }";

function textOf(spec: unknown): string {
  if (spec === undefined) throw missingError('spec', SPEC);
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) throw usageError('spec', spec, SPEC);
  try {
    // What is no data becomes a text, to be refused by its line and key.
    return JSON.stringify(spec, beyondJson, 2);
  } catch (cause) {
    const reason = `it cannot be written as JSON; expected ${SPEC}`;
    throw new ClearDfError({ code: 'USAGE', operation: 'read', object: 'spec', reason, cause });
  }
}

/** Never with a value in a refusal: one of them is secret, also where its name is misspelt. */
function readPlanOptions(options: unknown): PlanOptions {
  const refuse = (object: string, reason: string): never => {
    throw new ClearDfError({ code: 'USAGE', operation: 'read', object, reason });
  };
  if (typeof options !== 'object' || options === null)
    return refuse('options', 'expected an object with machine or keys');
  const unknown = Object.keys(options).find((key) => key !== 'machine' && key !== 'keys');
  if (unknown !== undefined) refuse('options', `unknown option '${shortened(unknown)}'; expected machine or keys`);
  const { machine, keys } = options as { machine?: unknown; keys?: unknown };
  if (keys !== undefined && typeof keys !== 'string') refuse('keys', 'it is no text; expected the text of a key file');
  if (machine !== undefined) checkAssumptions(machine);
  return options;
}

/**
 * The plan of one end of a tunnel.
 * @throws ClearDfError USAGE that names the key, the accepted form and the reason; ENVIRONMENT when no engine can work
 * on the machine as assumed
 */
export function plan(spec: TunnelSpec, options: PlanOptions = {}): TunnelPlan {
  const { machine, keys } = readPlanOptions(options);
  // JSON is YAML: refusals name the line of this text.
  const site = parseSite(textOf(spec), typeof spec.name === 'string' ? spec.name : 'tunnel');
  const facts = assumedFacts(site, machine);
  const secret = keys === undefined ? undefined : parseSecrets(site, keys, 'keys');
  const made = planTunnel(site, facts, secret);
  const steps = made.items.flatMap((item) => {
    if (item.status(facts).state === 'in-sync') return [];
    const commands = item.apply(facts);
    const { key, kind, desired, reason } = item;
    const bare = commands.map(({ argv, input }) => (input === undefined ? { argv } : { argv, input }));
    return [{ key, kind, desired, reason, commands: bare, text: commands.map(commandText) }];
  });
  const { engine, engineReason, mangler, socket, sizes, cuts, notes } = made;
  const queues = mangler === undefined ? undefined : site.queues;
  const script = planText(made, facts);
  return { name: site.name, engine, engineReason, steps, queues, socket, sizes, cuts, notes, script };
}
