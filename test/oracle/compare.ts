/** What came out of `clear-df pcap` against labels and reference. */
import type { Frame, Label } from './frames.js';
import { clear, judge, type Policy, type Sort, type Verdict } from './reference.js';

/** Every counter that a capture can raise, as the reference adds them up. */
export type Sums = Record<Sort | 'frames' | 'packets' | 'bytes' | 'fragments' | 'identifications', number>;

export interface Comparison {
  /** One line per frame that is not as it must be. */
  faults: string[];
  verdicts: Verdict[];
  sums: Sums;
}

export function compare(before: Frame[], after: Frame[], labels: Label[], policy: Policy): Comparison {
  const faults: string[] = [];
  if (before.length !== labels.length) faults.push(`${before.length} frames have ${labels.length} labels`);
  if (before.length !== after.length) faults.push(`${before.length} frames went in, ${after.length} came out`);
  const verdicts: Verdict[] = [];
  const sums = nothing();
  for (const [i, label] of labels.entries()) {
    const [was, is] = [before[i], after[i]];
    if (was === undefined || is === undefined) continue;
    const verdict = judgeFrame(was, label, policy);
    verdicts.push(verdict);
    add(sums, verdict, was.original - label.network);
    const fault = faultOf(was, is, label, verdict);
    if (fault !== undefined) faults.push(`frame ${i + 1} (${label.class}): ${fault}`);
  }
  return { faults, verdicts, sums };
}

/** The link layer is not the reference's business: whether a frame is IP, its maker knows. */
function judgeFrame(frame: Frame, { expected, network }: Label, policy: Policy): Verdict {
  if (expected === 'notIp') return { sort: 'notIp', fragment: false, identified: false };
  return judge(frame.bytes.subarray(network), frame.original - network, policy);
}

function faultOf(was: Frame, is: Frame, label: Label, verdict: Verdict): string | undefined {
  const { expected, fragments, network } = label;
  if (expected !== null && expected !== verdict.sort) {
    return `made to be ${expected}, but the reference says ${verdict.sort}`;
  }
  if (expected !== null && fragments !== verdict.fragment)
    return 'maker and reference disagree on whether it is a fragment';
  if (!is.head.equals(was.head)) return 'time or lengths changed';
  if (verdict.sort !== 'cleared') {
    return is.bytes.equals(was.bytes)
      ? undefined
      : `changed, though ${verdict.sort}: ${firstDifference(was.bytes, is.bytes)}`;
  }
  const [old, made] = [was.bytes.readUInt16BE(network + 4), is.bytes.readUInt16BE(network + 4)];
  if (verdict.identified && made === 0) return 'given the identification 0';
  if (!verdict.identified && made !== old) return `its identification became ${made}, though it must stay ${old}`;
  const wanted = Buffer.concat([was.bytes.subarray(0, network), clear(was.bytes.subarray(network), verdict, made)]);
  return is.bytes.equals(wanted) ? undefined : `not as the reference has it: ${firstDifference(wanted, is.bytes)}`;
}

function firstDifference(wanted: Buffer, is: Buffer): string {
  const at = wanted.findIndex((byte, i) => byte !== is[i]);
  return at < 0 ? `${is.length} bytes for ${wanted.length}` : `byte ${at} is ${is[at]}, not ${wanted[at]}`;
}

function nothing(): Sums {
  const sorts = {
    cleared: 0,
    alreadyClear: 0,
    ahPassed: 0,
    notIpv4: 0,
    malformed: 0,
    truncated: 0,
    badChecksum: 0,
    notIp: 0,
  };
  return { ...sorts, frames: 0, packets: 0, bytes: 0, fragments: 0, identifications: 0 };
}

function add(sums: Sums, verdict: Verdict, length: number): void {
  sums.frames += 1;
  sums[verdict.sort] += 1;
  if (verdict.sort === 'notIp') return;
  sums.packets += 1;
  sums.bytes += length;
  if (verdict.fragment) sums.fragments += 1;
  if (verdict.identified) sums.identifications += 1;
}
