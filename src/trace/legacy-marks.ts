/** The TRACE rules of a machine without nft: in iptables-legacy's raw table, as the article has them. */
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import { savedRules } from '../rules/iptables.js';
import { joinWords, valueOf } from '../rules/save-format.js';
import type { Flow, TunnelEnds } from './flow.js';
import { tagOf, type Tracer, tracerOfTag } from './tag.js';

const TABLE = 'raw';
const CHAINS = ['PREROUTING', 'OUTPUT'];

/** The transaction that starts the trace: in front of what is there, so that nothing is dropped before. */
export function markText(tracer: Tracer, flow: Flow, tunnels: readonly TunnelEnds[]): string {
  const matches = [...flowMatches(flow), ...tunnels.flatMap(outerMatches)];
  const lines = CHAINS.flatMap((chain) =>
    matches.map((match, at) =>
      joinWords([
        ...['-I', chain, String(at + 1), ...match],
        ...['-m', 'comment', '--comment', tagOf(tracer), '-j', 'TRACE'],
      ]),
    ),
  );
  return transaction(lines);
}

/**
 * The transaction that takes away the TRACE rules of every tracer that `gone` says yes to; undefined when there are
 * none.
 */
export function unmarkText(save: string, gone: (tracer: Tracer) => boolean): string | undefined {
  const lines = savedRules(save).flatMap(({ table, line, words }) => {
    const tracer = tracerOfTag(valueOf(words, '--comment') ?? '');
    const ours = table === TABLE && tracer !== undefined && valueOf(words, '-j') === 'TRACE';
    return ours && gone(tracer) ? [line.replace(/^-A /, '-D ')] : [];
  });
  return lines.length === 0 ? undefined : transaction(lines);
}

function flowMatches({ from, to, protocol, port }: Flow): string[][] {
  const ports = port === undefined ? [] : ['-m', 'multiport', '--ports', String(port)];
  const kind = protocol === undefined ? [] : ['-p', String({ icmp: 1, ...PROTOCOL_NUMBERS }[protocol])];
  return [
    ['-s', from, '-d', to, ...kind, ...ports],
    ['-s', to, '-d', from, ...kind, ...ports],
  ];
}

function outerMatches({ local, remote }: TunnelEnds): string[][] {
  const protocols = [PROTOCOL_NUMBERS.gre, PROTOCOL_NUMBERS.esp];
  return protocols.flatMap((protocol) => [
    ['-s', local, '-d', remote, '-p', String(protocol)],
    ['-s', remote, '-d', local, '-p', String(protocol)],
  ]);
}

function transaction(lines: readonly string[]): string {
  return [`*${TABLE}`, ...lines, 'COMMIT', ''].join('\n');
}
