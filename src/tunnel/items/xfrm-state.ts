/** A security association with static keys is in the kernel, and its keys never on a command line. */
import { sha256 } from '../../net/sha256.js';
import type { XfrmState } from '../facts.js';
import type { Item } from '../item.js';
import { hex, markText, sameMark } from '../mark.js';
import type { Mark } from '../site/site.js';

/** One algorithm, as `ip xfrm state` prints it: `aead rfc4106(gcm(aes)) 0x… 128`. */
export interface Algorithm {
  kind: 'aead' | 'enc' | 'auth' | 'auth-trunc' | 'comp';
  /** In the kernel's words: `rfc4106(gcm(aes))`. */
  name: string;
  /** Hexadecimal, with or without `0x`, of either case; empty for comp. */
  key: string;
  /** Bits of the integrity check value; aead and auth-trunc have one. */
  icvBits?: number | undefined;
}

export interface StateOptions {
  source: string;
  destination: string;
  spi: number;
  mode: string;
  reqid: number;
  algorithms: readonly Algorithm[];
  /** Of an XFRM interface. */
  ifId?: number | undefined;
  /** On the ESP packet, for the routing of what has been sealed. */
  outputMark?: Mark | undefined;
  /** Carries IPv6 as well as IPv4. */
  bothFamilies?: boolean | undefined;
  /** UDP ports around ESP (RFC 3948). */
  encap?: { source: number; destination: number } | undefined;
  /** Where the keys come from, for people. */
  keyFile: string;
  reason: string;
}

export function xfrmStateItem(options: StateOptions): Item {
  const { source, destination, spi, mode, reqid, algorithms, keyFile, reason } = options;
  const spiText = `0x${spi.toString(16).padStart(8, '0')}`;
  const name = ['src', source, 'dst', destination, 'proto', 'esp', 'spi', spiText];
  const digest = algorithmsDigest(algorithms);
  const line = (keyOf: (algorithm: Algorithm) => string) => {
    const words = algorithms.flatMap((algorithm) => [
      ...[algorithm.kind, algorithm.name, keyOf(algorithm)],
      ...(algorithm.icvBits === undefined ? [] : [String(algorithm.icvBits)]),
    ]);
    return `${['xfrm', 'state', 'add', ...name, 'reqid', reqid, 'mode', mode, ...words, ...more(options)].join(' ')}\n`;
  };
  return {
    kind: 'xfrm-state',
    key: `xfrm-state ${source} ${destination} ${spiText}`,
    desired: `the kernel has the ESP association ${spiText} from ${source} to ${destination}, ${mode} mode`,
    reason,
    status({ states }) {
      const found = states.find(
        (state) =>
          state.source === source && state.destination === destination && state.protocol === 'esp' && state.spi === spi,
      );
      if (found === undefined) return { state: 'differs', observed: 'there is none' };
      const differs = [
        ...(found.mode === mode ? [] : [`its mode is ${found.mode}`]),
        ...(found.reqid === reqid ? [] : [`its reqid is ${found.reqid}`]),
        ...differences(found, options),
        ...(found.digest === digest ? [] : [`its algorithms or keys are not those of ${keyFile}`]),
      ];
      if (differs.length === 0) return { state: 'in-sync' };
      // The kernel changes no keys of a live association, and what we took away we could not put back.
      const hint = `clear-df tunnel down, if it is ours; otherwise another spi: ip xfrm state get ${name.slice(2).join(' ')}`;
      return { state: 'conflict', observed: `${spiText}: ${differs.join(', ')}`, hint };
    },
    apply: () => [
      {
        argv: ['ip', '-batch', '-'],
        input: line(({ key }) => `0x${key.replace(/^0x/i, '')}`),
        shown: line(({ key }) => `<${key.replace(/^0x/i, '').length * 4}-bit-key-from-the-key-file>`),
      },
    ],
    undo: () => [{ argv: ['ip', 'xfrm', 'state', 'delete', ...name], mayFail: true }],
  };
}

/** The words behind the algorithms. */
function more({ encap, ifId, outputMark, bothFamilies }: StateOptions): string[] {
  return [
    ...(bothFamilies === true ? ['flag', 'af-unspec'] : []),
    // The address is that of whom a NAT is in front of; unused since RFC 3947.
    ...(encap === undefined ? [] : ['encap', 'espinudp', String(encap.source), String(encap.destination), '0.0.0.0']),
    ...(outputMark === undefined ? [] : ['output-mark', hex(outputMark.value), 'mask', hex(outputMark.mask)]),
    ...(ifId === undefined ? [] : ['if_id', hex(ifId)]),
  ];
}

function differences(found: XfrmState, { encap, ifId, outputMark, bothFamilies = false }: StateOptions): string[] {
  const ports = found.encap === undefined ? 'none' : `${found.encap.source} to ${found.encap.destination}`;
  const mark = found.outputMark === undefined ? 'none' : markText(found.outputMark);
  return [
    ...(found.ifId === ifId ? [] : [`its if_id is ${found.ifId === undefined ? 'none' : hex(found.ifId)}`]),
    ...((found.bothFamilies ?? false) === bothFamilies
      ? []
      : [`it is ${bothFamilies ? 'for one family only' : 'for both families'}`]),
    ...(sameMark(found.outputMark, outputMark) ? [] : [`its output-mark is ${mark}`]),
    ...(found.encap?.source === encap?.source && found.encap?.destination === encap?.destination
      ? []
      : [`its UDP ports are ${ports}`]),
  ];
}

/**
 * Security associations are compared without their keys: two have the same algorithms and keys when their digests are
 * equal. The digest is made on the spot from what `ip xfrm state` prints, or from the key file, and the keys go.
 * @returns SHA-256, hexadecimal, independent of the order of the algorithms
 */
export function algorithmsDigest(algorithms: readonly Algorithm[]): string {
  const lines = algorithms.map(({ kind, name, key, icvBits }) =>
    [kind, name, key.toLowerCase().replace(/^0x/, ''), icvBits ?? ''].join(' '),
  );
  return sha256(lines.sort().join('\n'));
}
