/** A trace as people read it. */
import { align } from '../net/columns.js';
import { flowText, type Flow } from './flow.js';
import type { Growth } from './growth.js';
import type { Devices } from './chain-visit.js';
import { type PathGroup, pathText, type Row } from './path-groups.js';

/** All that a trace found; what `--json` prints. */
export interface Traced {
  flow: Flow;
  /** Packets of the flow, in both directions. */
  packets: number;
  paths: PathGroup[];
  seen: string[];
  dropped: string[];
  grown: Growth[];
  /** What could not be looked at. */
  notes: string[];
}

export function traceText({ flow, packets, paths, seen, dropped, grown, notes }: Traced): string {
  const cells = paths.flatMap(({ rows }) => rows.map((row) => cellsOf(row).map((text) => ({ text }))));
  const lines = align(cells, () => false);
  const tables = paths.flatMap((path) => [
    headingOf(path),
    ...lines.splice(0, path.rows.length).map((line) => `  ${line}`),
    '',
  ]);
  const none =
    packets === 0 ? ['nothing of it was seen'] : ['no rule queues it here, and no fast path stands where it passes'];
  return [
    ...[`flow ${flowText(flow)}: ${packets} packets`, ''],
    ...tables,
    ...section('not shown', notes),
    ...section('clear-df sees it', seen.length === 0 ? none : seen),
    ...section('dropped', dropped.length === 0 ? ['nothing, as far as this machine knows'] : dropped),
    ...section(
      'counters that grew meanwhile, of all traffic',
      grown.map(({ counter, by }) => `${counter} +${by}`),
    ),
  ].join('\n');
}

function headingOf(path: PathGroup): string {
  const detail = path.head.detail === '' ? '' : `  (${path.head.detail})`;
  const times = path.packets === 1 ? '' : `  x${path.packets}`;
  return `${path.kind === 'outer' ? 'outer: ' : ''}${pathText(path)}${times}${detail}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((text) => `  ${text}`), ''];
}

function cellsOf(row: Row): string[] {
  const { family, hook, table, chain, source, rule, verdict } = row;
  const where = table === undefined ? `- (${hook})` : `${table}:${chain}`;
  const by = table === undefined ? '' : rule === undefined ? (verdict === undefined ? '' : 'policy') : ruleCell(row);
  const shown = verdict === 'queue' && rule?.queue !== undefined ? `queue ${rule.queue.numbers}` : (verdict ?? '');
  return [
    family + (source === 'legacy' ? '*' : ''),
    where,
    by,
    shown,
    devicesText(row.devices),
    dfText(row.dontFragment),
    noteOf(row),
  ];
}

function ruleCell({ rule, chain }: Row): string {
  const number = rule?.number === undefined ? 'rule' : `rule ${rule.number}`;
  return rule?.chain === chain ? number : `${number} of ${rule?.chain}`;
}

function noteOf({ verdict, rule }: Row): string {
  const comment = rule?.comment ?? '';
  if (verdict === 'queue') return `<- seen here${comment === '' ? '' : `: ${comment}`}`;
  return verdict === 'drop' ? `<- DROPPED${comment === '' ? '' : `: ${comment}`}` : comment;
}

/** `br0(eth0) > br0(gretap1)`. */
function devicesText(devices: Devices): string {
  const name = (device?: string, port?: string) => (device ?? '') + (port === undefined ? '' : `(${port})`);
  const [from, to] = [name(devices.in, devices.physicalIn), name(devices.out, devices.physicalOut)];
  return to === '' ? from : `${from} > ${to}`.trim();
}

function dfText(dontFragment: boolean | undefined): string {
  return dontFragment === undefined ? 'DF ?' : dontFragment ? 'DF' : '-';
}
