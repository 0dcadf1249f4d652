/** `clear-df tunnel status`: the plan beside the machine, item by item. Changes nothing. */
import { ClearDfError, EXIT_CODES } from '../../errors.js';
import type { FastStats } from '../../fast-path/fast-path.js';
import { netAdmin } from '../../host/read/rights.js';
import { createRunner, type Runner } from '../../host/exec.js';
import { listRules, type ListedRule } from '../../host/firewall.js';
import { holderOf } from '../../host/read/queues.js';
import { locateSite } from '../../host/tunnel/locate.js';
import { openTunnel, type OpenTunnel } from '../../host/tunnel/open.js';
import type { Logger } from '../../log.js';
import { parseListen } from '../../report/listen.js';
import { fastPathText } from '../../report/fast-path.js';
import { type IkeVerdict, judgeIke } from '../../tunnel/carriers/ike/judge.js';
import { withIke } from '../../tunnel/carriers/ike/names.js';
import { KEEPS_DF_CURE, keepsDf } from '../../tunnel/fast-path-text.js';
import type { Item, ItemStatus } from '../../tunnel/item.js';
import type { Site } from '../../tunnel/site/site.js';
import { runningSnapshot } from '../answer.js';
import { runningMangler } from './mangler.js';
import { type SocketStatus, socketStatus } from './socket.js';
import { problemOf } from './underlay-watch.js';

interface ItemReport {
  key: string;
  desired: string;
  /** `unknown`: only root can look. */
  state: ItemStatus['state'] | 'unknown';
  /** What is there instead. */
  observed?: string;
  /** Whether the journal knows how to put it back. */
  ours: boolean;
}

/** How the queue is served; only where the engine is the queue. */
interface ManglerStatus {
  /** Process that `tunnel up` left in the foreground. */
  pid?: number;
  queues: { queue: number; holder: string }[];
  rules: ListedRule[];
  /** What could not be read of rules or holders, and why; they are not known then, rather than missing. */
  unread?: string[];
  /** Of its `/stats`, when that answers. */
  packets?: number;
  cleared?: number;
  leaked?: number;
  ok: boolean;
}

interface FastPathStatus extends FastStats {
  /** Without one, what it leaves for the queue keeps DF. */
  queueBehind: boolean;
}

interface TunnelStatus {
  name: string;
  file: string;
  engine: string;
  /** Everything is as planned. */
  ok: boolean;
  items: ItemReport[];
  /** Why nothing can get to the other end, as far as this machine knows: a device that is down, no address, no route. */
  problem?: string;
  mangler?: ManglerStatus;
  /** What the program at the tunnel's egress has counted, and whether a queue takes what it leaves; with engine bpf only. */
  fastPath?: FastPathStatus;
  /** Of ESP in UDP with static keys. */
  socket?: SocketStatus;
  /** How the keys stand; only where they come from IKE. */
  ike?: IkeVerdict;
}

/** @throws ClearDfError of the file, or where the machine cannot be read */
export async function tunnelStatus(file: string, log: Logger): Promise<TunnelStatus> {
  const runner = createRunner({ log });
  const tunnel = await openTunnel(await locateSite(file, { runner, log }), { runner, log, check: false });
  const { site, plan, journal } = tunnel;
  const mayLook = netAdmin() !== 'no';
  const items = plan.items.map((item) => itemStatus(item, tunnel, mayLook));
  const mangler = plan.mangler === undefined ? undefined : await manglerStatus(site, tunnel, runner);
  // No item, because no plan makes it so; and yet nothing works without it.
  const problem = problemOf(site, tunnel.machine.facts);
  const socket = plan.socket && socketStatus(plan.socket);
  const fastPath = plan.engine === 'bpf' ? await fastPathStatus(site, mangler !== undefined) : undefined;
  const ike = ikeStatus(tunnel);
  return {
    name: site.name,
    file: journal.site.file,
    engine: plan.engine,
    ok:
      items.every(({ state }) => state === 'in-sync') &&
      problem === undefined &&
      mangler?.ok !== false &&
      socket?.ok !== false &&
      ike?.ok !== false,
    items,
    ...(problem === undefined ? {} : { problem }),
    ...(mangler === undefined ? {} : { mangler }),
    ...(fastPath === undefined ? {} : { fastPath }),
    ...(socket === undefined ? {} : { socket }),
    ...(ike === undefined ? {} : { ike }),
  };
}

/** Undefined where no program is attached, or only root can look into it; the item says so. */
async function fastPathStatus({ name, tunnel }: Site, queueBehind: boolean): Promise<FastPathStatus | undefined> {
  const { lookAtSingle } = await import('../../fast-path/single.js');
  try {
    const standing = lookAtSingle(name, tunnel.name);
    if (standing.state !== 'attached' || standing.counters === undefined) return undefined;
    return { device: tunnel.name, direction: 'egress', counters: standing.counters, queueBehind };
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}

/** No item either: it takes two. */
function ikeStatus({ site, machine, journal }: OpenTunnel): IkeVerdict | undefined {
  const { ike } = machine.facts;
  const keyed = withIke(site);
  return ike && keyed && judgeIke(keyed, ike, journal.lastAttempt, Date.now());
}

/** Kinds of things that the kernel, or charon, shows to root only; to others it is as if there were none. */
const CLOSED = /^(xfrm-(?!device)|nft-table$|ike$|l2tp-)/;

function itemStatus(item: Item, { machine, journal }: OpenTunnel, mayLook: boolean): ItemReport {
  const status = item.status(machine.facts);
  const { key, desired } = item;
  const ours = journal.entry(key) !== undefined;
  if (!mayLook && CLOSED.test(item.kind))
    return { key, desired, state: 'unknown', observed: 'only root can look', ours };
  return {
    key,
    desired,
    state: status.state,
    ...(status.state === 'in-sync' ? {} : { observed: status.observed }),
    ours,
  };
}

async function manglerStatus(site: Site, { journal }: OpenTunnel, runner: Runner): Promise<ManglerStatus> {
  const pid = runningMangler(journal)?.pid;
  const queues = [];
  for (let queue = site.queues.first; queue <= site.queues.last; queue += 1) queues.push(queueStatus(queue));
  const { rules, unread } = await rulesOf(runner, site.name);
  const unseen = [...queues.flatMap(({ unseen = [] }) => unseen), ...(rules.length > 0 ? [] : unread)];
  const totals = await counters(site);
  return {
    ...(pid === undefined ? {} : { pid }),
    queues: queues.map(({ queue, words }) => ({ queue, holder: words })),
    rules,
    ...(unseen.length === 0 ? {} : { unread: unseen }),
    ...totals,
    ok: rules.length > 0 && queues.every(({ held }) => held),
  };
}

function queueStatus(queue: number): { queue: number; held: boolean; words: string; unseen?: string[] } {
  const holder = holderOf(queue);
  switch (holder.state) {
    case 'held': {
      const { process: owner, portId } = holder;
      const words = owner === undefined ? `port id ${portId}` : `process ${owner.pid} (${owner.name})`;
      return { queue, held: true, words };
    }
    case 'free':
      return { queue, held: false, words: 'nobody' };
    case 'unknown': {
      if (holder.reason === 'not-loaded') return { queue, held: false, words: 'nobody' };
      return { queue, held: false, words: 'unknown', unseen: [`who holds queue ${queue}: ${holder.detail}`] };
    }
  }
}

async function rulesOf(runner: Runner, name: string): Promise<{ rules: ListedRule[]; unread: string[] }> {
  try {
    const { rules, unread } = await listRules(runner);
    const reasons = unread.map(({ backend, reason }) => `rules of ${backend}: ${reason}`);
    return { rules: rules.filter((rule) => rule.name === name), unread: reasons };
  } catch (error) {
    if (error instanceof ClearDfError) return { rules: [], unread: [`rules that feed it: ${error.message}`] };
    throw error;
  }
}

async function counters(site: Site): Promise<Pick<ManglerStatus, 'packets' | 'cleared' | 'leaked'>> {
  const address = parseListen(site.metrics);
  if (address === 'off') return {};
  const snapshot = await runningSnapshot(address);
  // Another instance may have the address.
  if (snapshot === undefined || snapshot.name !== site.name) return {};
  const { packets, cleared, leaked } = snapshot.totals;
  return { packets, cleared, leaked };
}

const STATES: Record<ItemReport['state'], string> = {
  'in-sync': 'ok',
  differs: 'DIFFERS',
  conflict: 'CONFLICT',
  unknown: 'unknown',
};

/** The code that `status` ends with: 0 as planned; 3 when it is not known for want of rights; 1 otherwise. */
export function statusCode({ ok, items, mangler }: TunnelStatus): number {
  if (ok) return 0;
  const unknown = mangler?.unread !== undefined || items.some(({ state }) => state === 'unknown');
  return unknown && netAdmin() === 'no' ? EXIT_CODES.PRIVILEGE : EXIT_CODES.RUNTIME;
}

/** The status as lines for people. */
export function statusText({ name, engine, ok, items, problem, mangler, fastPath, socket, ike }: TunnelStatus): string {
  const lines = items.map(({ state, desired, observed, ours }) => {
    const mark = STATES[state].padEnd(10);
    return `${mark} ${desired}${observed === undefined ? '' : `: ${observed}`}${state === 'in-sync' && !ours ? ' (not by clear-df)' : ''}`;
  });
  if (problem !== undefined) lines.push(`${STATES['differs'].padEnd(10)} the path to the other end: ${problem}`);
  if (socket !== undefined) {
    const mark = STATES[socket.ok ? 'in-sync' : 'differs'].padEnd(10);
    lines.push(
      `${mark} UDP socket ${socket.address}, without which no ESP in UDP arrives, is held by ${socket.holder}`,
    );
  }
  if (ike !== undefined) lines.push(...ikeLines(ike));
  if (mangler !== undefined) lines.push(...manglerLines(mangler));
  if (fastPath !== undefined) lines.push(...fastPathLines(fastPath));
  const untouched = items.every(({ ours }) => !ours) && mangler?.pid === undefined;
  const unknown = mangler?.unread !== undefined || items.some(({ state }) => state === 'unknown');
  const verdict = ok ? 'as planned' : unknown ? 'not known' : untouched ? 'not up' : 'not as planned';
  return `tunnel ${name}, engine ${engine}: ${verdict}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function fastPathLines({ queueBehind, ...place }: FastPathStatus): string[] {
  const { device, counters } = place;
  const indent = ''.padEnd(10);
  const lines = fastPathText([place])
    .split('\n')
    .map((line) => `${indent} ${line}`);
  if (counters.leftForQueue === 0 || queueBehind) return lines;
  return [...lines, `${indent} ${keepsDf(device, counters.leftForQueue)}`, `${indent} ${KEEPS_DF_CURE}`];
}

function ikeLines({ ok, words, hint }: IkeVerdict): string[] {
  const line = `${STATES[ok ? 'in-sync' : 'differs'].padEnd(10)} IKE: ${words}`;
  return hint === undefined ? [line] : [line, `${''.padEnd(10)} ${hint}`];
}

function manglerLines({ queues, rules, unread = [], packets, cleared, leaked }: ManglerStatus): string[] {
  const mark = (right: boolean) => (right ? 'ok' : 'DIFFERS').padEnd(10);
  const held = ({ holder }: { holder: string }) => /^(process|port id) /.test(holder);
  const known = queues.filter(({ holder }) => holder !== 'unknown');
  const fed = `rules that feed it, in ${rules[0]?.backend}: ${rules.length}`;
  const unfed = unread.some((what) => what.startsWith('rules')) ? [] : [`${mark(false)} no rules feed it`];
  return [
    ...known.map((each) => `${mark(held(each))} queue ${each.queue} is held by ${each.holder}`),
    ...(rules.length > 0 ? [`${mark(true)} ${fed}`] : unfed),
    ...unread.map((what) => `${STATES.unknown.padEnd(10)} ${what}`),
    ...(packets === undefined ? [] : [`${''.padEnd(10)} ${packets} packets, ${cleared} cleared, ${leaked} leaked`]),
  ];
}
