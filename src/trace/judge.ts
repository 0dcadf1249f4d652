/** What a trace says: where clear-df sees the traffic, and where it is dropped. */
import { flowText, type Flow, type TunnelEnds } from './flow.js';
import { type Growth, txErrorsOf } from './growth.js';
import { isOf } from './header.js';
import { passesPrograms, type TracedProgram } from './fast-path.js';
import { lastDevice, type PathGroup, pathText, type Row } from './path-groups.js';

/** Who holds a queue: `clear-df (pid 17)`; undefined when nobody does. */
type Holders = (queue: number) => string | undefined;

interface Judgement {
  /** Sentences; none when no rule queues the traffic and no program of the fast path stands in its way. */
  seen: string[];
  dropped: string[];
}

export function judge(
  flow: Flow,
  paths: readonly PathGroup[],
  tunnels: readonly TunnelEnds[],
  grown: readonly Growth[],
  holders: Holders,
  programs: readonly TracedProgram[] = [],
): Judgement {
  const seen = paths.flatMap((path) =>
    path.rows.filter(({ verdict }) => verdict === 'queue').map((row) => sees(path, row, holders)),
  );
  const verdicts = paths.flatMap((path) =>
    path.rows.filter(({ verdict }) => verdict === 'drop').map((row) => drops(path, row)),
  );
  const inside = tunnels.flatMap((tunnel) => insideOf(flow, tunnel, paths, grown));
  const ended = paths.flatMap(endOf);
  return {
    seen: [...new Set(seen), ...passesPrograms(paths, programs, grown)],
    dropped: [...verdicts, ...ended, ...inside, ...refusals(grown)],
  };
}

/** `ip mangle:FORWARD`, with the port where there is one. */
function placeText({ family, table, chain, hook }: Row): string {
  return table === undefined ? `${family} ${hook}` : `${family} ${table}:${chain}`;
}

function sees(path: PathGroup, row: Row, holders: Holders): string {
  const { rule } = row;
  const queue = rule?.queue;
  const named =
    rule === undefined
      ? ''
      : `, ${ruleText(rule.number, rule.chain, row)}${rule.comment === undefined ? '' : ` (${rule.comment})`}`;
  const at = `${pathText(path)}: at ${placeText(row)}${named}`;
  if (queue === undefined) return `${at}: a queue`;
  const [first, last = first] = queue.numbers.split(':').map(Number) as [number, number?];
  const holder = first === last ? holders(first) : (holders(first) ?? holders(last));
  const nobody = queue.bypass
    ? 'no process has it bound: it goes on unchanged (bypass)'
    : 'no process has it bound: it is dropped there';
  return `${at}: queue ${queue.numbers}, ${holder === undefined ? nobody : `held by ${holder}`}`;
}

/** A rule in a chain that was jumped to is named with it. */
function ruleText(number: number | undefined, chain: string, row: Row): string {
  const name = number === undefined ? 'a rule' : `rule ${number}`;
  return chain === row.chain ? name : `${name} of ${chain}`;
}

function drops(path: PathGroup, row: Row): string {
  const by =
    row.rule === undefined ? 'the policy' : `${ruleText(row.rule.number, row.rule.chain, row)}: ${row.rule.text}`;
  return `${pathText(path)}: ${path.packets} at ${placeText(row)} by ${by}`;
}

/** Packets of the flow that came to no further hook; reported only where our own chains are at every hook. */
function endOf(path: PathGroup): string[] {
  const last = path.rows.at(-1);
  if (path.kind !== 'flow' || last === undefined || last.verdict === 'drop') return [];
  const end = `${pathText(path)}: ${path.packets} after ${placeText(last)}, they came to no further hook`;
  if (last.verdict === 'queue' && path.rows.some(({ source, table }) => source === 'nft' && table === undefined))
    return [`${end}: they were queued and never reinjected`];
  // Fragments end there as well: what is put together of them goes on as another packet.
  if (last.table !== undefined || last.hook !== 'prerouting' || last.dontFragment !== true) return [];
  return [`${end}: routing refused them; with DF set, also what is larger than the egress MTU (ip_forward)`];
}

/** Frames that went to the tunnel's device, and of which no outer packet came to OUTPUT. */
function insideOf(flow: Flow, tunnel: TunnelEnds, paths: readonly PathGroup[], grown: readonly Growth[]): string[] {
  const { name, local, remote, overhead, pathMtu } = tunnel;
  const errors = grown.find(({ counter }) => counter === txErrorsOf(name))?.by ?? 0;
  const entered = paths.filter((path) => path.kind === 'flow' && lastDevice(path) === name && !isDropped(path));
  return [...new Set(entered.map(({ head }) => head.length))].flatMap((length) => {
    const same = entered.filter(({ head }) => head.length === length);
    const frames = sum(same);
    const outer = paths.filter(({ kind, head }) => {
      const between = isOf({ ...flow, from: local, to: remote }, head) && head.source === local;
      return kind === 'outer' && between && head.protocol === 'gre' && head.length === length + overhead;
    });
    const missing = frames - sum(outer);
    // Of a flow that goes on, the last frame's GRE packet may come after the marks are gone.
    if (missing <= 0 || (errors === 0 && missing < frames)) return [];
    const counted = errors > 0 ? `TX errors of ${name} grew by ${errors}` : `no counter of ${name} says why`;
    const withDf = same.some(({ rows }) => rows.at(-1)?.dontFragment === true);
    const whole = length + overhead;
    const tooLarge = pathMtu !== undefined && whole > pathMtu;
    const why =
      withDf && tooLarge
        ? `: with DF set it is refused before OUTPUT (tnl_update_pmtu), since it would need ${whole} bytes and ${pathMtu} fit to ${remote}`
        : '';
    return [`${missing} of ${frames} frames of ${length} bytes (${flowText(flow)}) inside ${name}; ${counted}${why}`];
  });
}

function isDropped({ rows }: PathGroup): boolean {
  return rows.some(({ verdict }) => verdict === 'drop');
}

const sum = (paths: readonly PathGroup[]): number => paths.reduce((packets, path) => packets + path.packets, 0);

/** Counters that mean a loss wherever they grow, with what they say. They count everybody's packets. */
function refusals(grown: readonly Growth[]): string[] {
  return grown.flatMap(({ counter, by }) => {
    if (counter === 'IpFragFails')
      return [`${by} packets with DF set that were larger than the egress MTU (IpFragFails)`];
    if (counter === 'IpReasmFails') return [`${by} half packets whose other fragments did not come (IpReasmFails)`];
    if (counter.startsWith('XfrmOut')) return [`${by} packets by IPsec, outbound (${counter})`];
    if (counter.startsWith('XfrmIn')) return [`${by} packets by IPsec, inbound (${counter})`];
    if (/ (collisions)$/.test(counter)) return [`${by} packets that would have looped (${counter})`];
    if (/^queue \d+ dropped/.test(counter)) return [`${by} packets in a queue (${counter})`];
    return [];
  });
}
