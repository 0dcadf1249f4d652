/** A security association with static keys is in the kernel, and its keys never on a command line. */
import { type Algorithm, algorithmsDigest } from '../digest.js';
import type { Item } from '../item.js';

export interface StateOptions {
  source: string;
  destination: string;
  spi: number;
  mode: string;
  reqid: number;
  algorithms: readonly Algorithm[];
  /** Where the keys come from, for people. */
  keyFile: string;
  reason: string;
}

export function xfrmStateItem(options: StateOptions): Item {
  const { source, destination, spi, mode, reqid, algorithms, keyFile, reason } = options;
  const hex = `0x${spi.toString(16).padStart(8, '0')}`;
  const name = ['src', source, 'dst', destination, 'proto', 'esp', 'spi', hex];
  const digest = algorithmsDigest(algorithms);
  const line = (keyOf: (algorithm: Algorithm) => string) => {
    const words = algorithms.flatMap((algorithm) => [
      ...[algorithm.kind, algorithm.name, keyOf(algorithm)],
      ...(algorithm.icvBits === undefined ? [] : [String(algorithm.icvBits)]),
    ]);
    return `${['xfrm', 'state', 'add', ...name, 'reqid', reqid, 'mode', mode, ...words].join(' ')}\n`;
  };
  return {
    kind: 'xfrm-state',
    key: `xfrm-state ${source} ${destination} ${hex}`,
    wanted: `the kernel has the ESP association ${hex} from ${source} to ${destination}, ${mode} mode`,
    reason,
    standing({ states }) {
      const found = states.find(
        (state) =>
          state.source === source && state.destination === destination && state.protocol === 'esp' && state.spi === spi,
      );
      if (found === undefined) return { state: 'not-so', found: 'there is none' };
      const differs = [
        ...(found.mode === mode ? [] : [`its mode is ${found.mode}`]),
        ...(found.reqid === reqid ? [] : [`its reqid is ${found.reqid}`]),
        ...(found.digest === digest ? [] : [`its algorithms or keys are not those of ${keyFile}`]),
      ];
      if (differs.length === 0) return { state: 'so' };
      // The kernel changes no keys of a live association, and what we took away we could not put back.
      const hint = `clear-df tunnel down, if it is ours; otherwise another spi: ip xfrm state get ${name.slice(2).join(' ')}`;
      return { state: 'in-the-way', found: `${hex}: ${differs.join(', ')}`, hint };
    },
    make: () => [
      {
        argv: ['ip', '-batch', '-'],
        input: line(({ key }) => `0x${key.replace(/^0x/i, '')}`),
        shown: line(({ key }) => `<${key.replace(/^0x/i, '').length * 4}-bit-key-from-the-key-file>`),
      },
    ],
    undo: () => [{ argv: ['ip', 'xfrm', 'state', 'delete', ...name], mayFail: true }],
  };
}
