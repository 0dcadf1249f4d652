/**
 * Security associations and policies. `ip xfrm` prints no JSON (iproute2 5.10 and 6.1 ignore `-j` there), so its text
 * is read; keys become a digest at once and are kept nowhere.
 */
import { ClearDfError } from '../../errors.js';
import { type Algorithm, algorithmsDigest } from '../../tunnel/items/xfrm-state.js';
import { readGreKey } from '../../tunnel/items/tunnel-device.js';
import type { Mark } from '../../tunnel/site/site.js';
import type { XfrmPolicy, XfrmState } from '../../tunnel/facts.js';
import { isAbsent, type Runner } from '../exec.js';

/**
 * All of them, or none where the kernel has no IPsec or does not let this process look.
 * @throws ClearDfError RUNTIME when `ip` failed otherwise: that says nothing about what there is
 */
export async function readXfrm(runner: Runner): Promise<{ states: XfrmState[]; policies: XfrmPolicy[] }> {
  const [states, policies] = await Promise.all([list(runner, 'state'), list(runner, 'policy')]);
  return { states: parseStates(states), policies: parsePolicies(policies) };
}

async function list(runner: Runner, what: 'state' | 'policy'): Promise<string> {
  try {
    return await runner.query('ip', ['xfrm', what]);
  } catch (error) {
    if (isAbsent(error) || (error instanceof ClearDfError && error.code === 'PRIVILEGE')) return '';
    throw error;
  }
}

/** Each begins with a line that is not indented. */
function blocks(text: string): string[][] {
  const all: string[][] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    if (/^\s/.test(line)) all.at(-1)?.push(line.trim());
    else all.push([line.trim()]);
  }
  return all;
}

/** What `ip xfrm state` printed. */
export function parseStates(text: string): XfrmState[] {
  return blocks(text).map((lines) => {
    const [head = ''] = lines;
    const identity = lines.find((line) => line.startsWith('proto ')) ?? '';
    return {
      source: wordAfter(head, 'src'),
      destination: wordAfter(head, 'dst'),
      protocol: wordAfter(identity, 'proto'),
      spi: Number(wordAfter(identity, 'spi') || '0'),
      mode: wordAfter(identity, 'mode'),
      reqid: reqidOf(identity),
      ...marksOf(lines),
      outputMark: markOf(lines, 'output-mark'),
      bothFamilies: lines.some((line) => /\bflag\b.*\baf-unspec\b/.test(line)),
      encap: encapOf(lines),
      digest: algorithmsDigest(lines.flatMap(algorithmOf)),
    };
  });
}

/** `aead rfc4106(gcm(aes)) 0x… 128`; a name may hold blanks no more than a key does. */
function algorithmOf(line: string): Algorithm[] {
  const match = /^(aead|enc|auth-trunc|auth|comp) (\S+) (0x[0-9a-f]*)?(?: (\d+))?/i.exec(line);
  if (match === null) return [];
  const [, kind, name, key = '', bits] = match as unknown as [string, Algorithm['kind'], string, string?, string?];
  return [{ kind, name, key, icvBits: bits === undefined ? undefined : Number(bits) }];
}

/** What `ip xfrm policy` printed; those of sockets are left out. */
export function parsePolicies(text: string): XfrmPolicy[] {
  return blocks(text).flatMap((lines) => {
    const [head = ''] = lines;
    const rule = lines.find((line) => line.startsWith('dir ')) ?? '';
    const direction = wordAfter(rule, 'dir');
    if (direction === '') return [];
    const template = lines.findIndex((line) => line.startsWith('tmpl '));
    const transform = template < 0 ? '' : (lines[template + 1] ?? '');
    const protocol = wordAfter(head, 'proto');
    return [
      {
        direction,
        source: wordAfter(head, 'src'),
        destination: wordAfter(head, 'dst'),
        protocol: protocol === '' ? undefined : protocol,
        ports: portsOf(head),
        icmp: icmpOf(head),
        greKey: greKeyOf(head),
        dev: wordAfter(head, 'dev') || undefined,
        blocks: wordAfter(rule, 'action') === 'block',
        ...marksOf(lines),
        mode: wordAfter(transform, 'mode'),
        reqid: reqidOf(transform),
        transform: wordAfter(transform, 'proto'),
      },
    ];
  });
}

function wordAfter(line: string, name: string): string {
  return new RegExp(`(?:^|\\s)${name} (\\S+)`).exec(line)?.[1] ?? '';
}

/** `mark 0xa/0xffffffff` and `if_id 0x66`, each on a line of its own; newer versions print them decimal, too. */
function marksOf(lines: readonly string[]): { mark: Mark | undefined; ifId: number | undefined } {
  const ifId = lines.map((line) => wordAfter(line, 'if_id')).find((word) => word !== '');
  return { mark: markOf(lines, 'mark'), ifId: ifId === undefined ? undefined : Number(ifId) };
}

function markOf(lines: readonly string[], name: 'mark' | 'output-mark'): Mark | undefined {
  const line = lines.find((one) => one.startsWith(`${name} `));
  if (line === undefined) return undefined;
  const [value = '', mask] = wordAfter(line, name).split('/');
  return { value: Number(value), mask: mask === undefined ? 0xffff_ffff : Number(mask) };
}

/** `proto udp sport 1701 dport 1701`; a port that the selector does not name is not printed. */
function portsOf(head: string): XfrmPolicy['ports'] {
  if (!/\bproto (?:udp|17)\b/.test(head)) return undefined;
  return { source: Number(wordAfter(head, 'sport') || '0'), destination: Number(wordAfter(head, 'dport') || '0') };
}

/** `proto icmp type 3 code 3` */
function icmpOf(head: string): XfrmPolicy['icmp'] {
  const [, type, code] = /\bproto icmp type (\d+) code (\d+)/.exec(head) ?? [];
  return type === undefined ? undefined : { type: Number(type), code: Number(code) };
}

/** `proto gre key 7`; older versions print `key 0.0.0.7`. */
function greKeyOf(head: string): number | undefined {
  return readGreKey(/\bproto (?:gre|47) key (\S+)/.exec(head)?.[1]);
}

/** `encap type espinudp sport 4500 dport 4500 addr 0.0.0.0` */
function encapOf(lines: readonly string[]): XfrmState['encap'] {
  const line = lines.find((one) => one.startsWith('encap '));
  if (line === undefined) return undefined;
  return { source: Number(wordAfter(line, 'sport')), destination: Number(wordAfter(line, 'dport')) };
}

/** `1`, or with details `1(0x00000001)`. */
function reqidOf(line: string): number {
  return Number.parseInt(wordAfter(line, 'reqid') || '0', 10);
}
