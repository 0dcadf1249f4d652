/** A plan as text: the commands as a person could type them, each with its reason, and what comes of them. */
import { replayText } from '../net/replay.js';
import { ruleLine } from '../rules/iptables.js';
import { ruleLines, tableOf } from '../rules/nft.js';
import { resolveRules } from '../rules/resolve.js';
import { type Difference, NO_DIFFERENCE, stepCommands, stepOf } from './difference.js';
import type { Facts } from './facts.js';
import type { Command, Item } from './item.js';
import type { ManglerPlan, Plan } from './plan.js';
import type { SocketPlan } from './carriers/carrier.js';
import { remotesOf } from './site/site.js';
import { sizesText } from './sizes-text.js';

/** Width of a comment. */
const WIDTH = 110;

/** Of a tunnel that is up from another version of the file. */
interface Live {
  difference: Difference;
  /** In place of the plan's, which are those of a first `up`. */
  cuts: readonly string[];
}

/** The plan as a shell script that ends in a newline: all that is not a command is a comment. */
export function planText(plan: Plan, facts: Facts, live?: Live): string {
  const { site } = plan;
  const { difference, cuts } = live ?? { difference: NO_DIFFERENCE, cuts: plan.cuts };
  const sections = [
    comments([
      `tunnel ${site.name} (${site.file}): ${site.tunnel.name} from ${site.local} to ${remotesOf(site).join(', ')} over ${site.underlay},`,
      `carrier ${site.carrier.type}, bridged with ${site.bridge.ports.join(', ')} in ${site.bridge.name}`,
    ]),
    section('engine', [`${plan.engine}: ${plan.engineReason}`]),
    live === undefined ? '' : comments(['it is up from another version of the file: this is the difference']),
    section('cuts', cuts),
    ...plan.items.map((item) => itemText(item, facts, difference)),
    plan.socket === undefined ? '' : socketText(plan.socket, plan.mangler === undefined ? plan.site.file : undefined),
    plan.mangler === undefined ? '' : manglerText(plan, plan.mangler),
    unwantedText(difference).trimEnd(),
    comments(['sizes, in bytes', ...sizesText(plan.sizes, plan.site.mtu).map((line) => `  ${line}`)]),
    section('notes', plan.notes),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

/** A command for people: keys are words. */
export function commandText({ argv, input, shown }: Command): string {
  const [command = '', ...args] = argv;
  return replayText(command, args, shown ?? input);
}

function itemText(item: Item, facts: Facts, difference: Difference): string {
  const status = item.status(facts);
  if (status.state === 'in-sync') return comments(wrapped(`${item.desired}: already in sync`));
  if (stepOf(item, facts, difference).how === 'refused') {
    const hint = status.state === 'conflict' && status.hint !== undefined ? wrapped(`  hint: ${status.hint}`) : [];
    return comments([...wrapped(`CONFLICT with: ${item.desired}`), ...wrapped(`  ${status.observed}`), ...hint]);
  }
  const before = status.state === 'conflict' ? wrapped(`${item.desired}; ${status.observed}`) : [];
  return [
    comments([...wrapped(item.reason), ...before]),
    ...stepCommands(item, facts, difference).map(commandText),
  ].join('\n');
}

/** What is taken away once all else is done, the last one first. */
export function unwantedText({ unwanted }: Difference): string {
  return [...unwanted]
    .reverse()
    .flatMap(({ desired, undo }) =>
      undo.length === 0 ? [] : [`# no longer: ${desired}`, ...undo.map((command) => commandText(command))],
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** @param file of the site, where nothing else stays in the foreground */
function socketText({ local, port, remote, remotePort, keepalive }: SocketPlan, file: string | undefined): string {
  const keepalives =
    keepalive === 0 ? 'sends no keepalives' : `a keepalive to ${remote}:${remotePort} every ${keepalive} s`;
  const held = comments(
    wrapped(
      `holds UDP socket ${local}:${port} with UDP_ENCAP until it is stopped, which no command of iproute2 can: ` +
        `without it the kernel accepts no ESP in UDP; ${keepalives}`,
    ),
  );
  return file === undefined ? held : `${held}\n${replayText('clear-df', ['tunnel', 'up', file])}`;
}

function manglerText({ site }: Plan, { rules, backend }: ManglerPlan): string {
  const lines = rules.flatMap((spec) =>
    resolveRules(spec).flatMap((rule) => {
      const where = rule.hook === 'bridge' ? `frames into ${rule.outDev}` : `outer ${spec.proto.toUpperCase()} packets`;
      const text =
        backend === 'nft'
          ? ruleLines(rule).map(
              (line) => `nft ${tableOf(rule.hook === 'bridge' ? 'bridge' : 'ip', rule.name)}: ${line}`,
            )
          : [`iptables -t mangle ${ruleLine(rule)}`];
      return [`  ${where} with DF set:`, ...text.map((line) => `    ${line}`)];
    }),
  );
  const queues =
    site.queues.first === site.queues.last ? site.queues.first : `${site.queues.first}:${site.queues.last}`;
  return [
    comments([`clears DF until it is stopped; binds queue ${queues} and keeps these rules there:`, ...lines]),
    replayText('clear-df', ['tunnel', 'up', site.file]),
  ].join('\n');
}

function section(title: string, texts: readonly string[]): string {
  if (texts.length === 0) return '';
  return comments([
    title,
    ...texts.flatMap((text) => wrapped(text).map((line, i) => `  ${i === 0 ? '' : '  '}${line}`)),
  ]);
}

function comments(lines: readonly string[]): string {
  return lines.map((line) => `# ${line}`).join('\n');
}

/** Lines of at most {@link WIDTH} characters, broken between words. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + 1 + word.length <= WIDTH - 6) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
