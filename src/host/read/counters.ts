/** The kernel's own counts of fragments, of this network namespace. */
import { readFileSync } from 'node:fs';
import type { Reading } from '../../doctor/machine.js';
import { errnoOf } from '../exec.js';

/** `/proc/net/snmp` by nstat's names: `IpReasmFails`. Never throws. */
export function readCounters(): Reading<Map<string, number>> {
  const text = read('/proc/net/snmp');
  return 'unknown' in text ? text : { known: parseCounters(text.known) };
}

/** A line of names, then one of values, for each protocol; what has no number is left out. */
export function parseCounters(text: string): Map<string, number> {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const counters = new Map<string, number>();
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [names = [], values = []] = [lines[i], lines[i + 1]];
    const protocol = (names[0] ?? '').replace(':', '');
    names.slice(1).forEach((name, at) => {
      const value = values[at + 1] ?? '';
      if (/^-?\d+$/.test(value)) counters.set(`${protocol}${name}`, Number(value));
    });
  }
  return counters;
}

/** Bytes that incomplete datagrams take. Never throws. */
export function readFragmentMemory(): Reading<number> {
  const text = read('/proc/net/sockstat');
  if ('unknown' in text) return text;
  const memory = /^FRAG: inuse \d+ memory (\d+)$/m.exec(text.known)?.[1];
  return memory === undefined ? { unknown: '/proc/net/sockstat has no line FRAG' } : { known: Number(memory) };
}

function read(file: string): Reading<string> {
  try {
    return { known: readFileSync(file, 'utf8') };
  } catch (error) {
    return { unknown: `${file} cannot be read (${errnoOf(error) ?? 'no reason given'})` };
  }
}
