/**
 * The strategy of `clear-df probe` against simulated paths:
 *
 *   this host, device MTU ── link ── router 192.0.2.1 ── link of `mtu` ── host 198.51.100.2, device MTU 1500
 */
import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NativeProbeResult } from '../../src/native.js';
import { resolveHost } from '../../src/commands/probe-send.js';
import { probePath, type ProbeFindings, type Question, type Send } from '../../src/commands/probe.js';
import { probeTable, verdict } from '../../src/commands/probe-text.js';

const ROUTER = '192.0.2.1';
const TARGET = '198.51.100.2';
const TRIES = 3;

interface Path {
  /** Of the router's far link. */
  mtu?: number;
  /** Of this host's device. */
  device?: number;
  /** Frag needed: said with the MTU, said without it (RFC 792), or not said. */
  tells?: 'mtu' | 'nothing-more' | 'silence';
  /** How many complaints the router still makes. */
  patience?: number;
  dropsOut?: boolean;
  dropsBack?: boolean;
  dead?: boolean;
  tries?: number;
  /** Whether the n-th request of all is lost. */
  lost?: (n: number) => boolean;
}

/** A path, and everything that was asked of it. */
function simulated(path: Path): { send: Send; asked: Question[] } {
  const asked: Question[] = [];
  const { tries = TRIES, lost = () => false } = path;
  let patience = path.patience ?? Infinity;
  let count = 0;
  const one = (question: Question): NativeProbeResult => {
    const { mtu = 1500, device = 1500, tells = 'mtu' } = path;
    const whole = question.fragmentBytes === 0;
    const onWire = whole ? question.bytes : question.fragmentBytes;
    if (onWire > device) return result({ outcome: 'refused', errno: constants.errno.EMSGSIZE, mtu: device });
    if (path.dead || lost(count++)) return result({ outcome: 'lost' });
    if (onWire > mtu && question.dontFragment) {
      if (tells === 'silence' || patience-- <= 0) return result({ outcome: 'lost' });
      return result({ outcome: 'frag-needed', from: ROUTER, mtu: tells === 'mtu' ? mtu : 0, type: 3, code: 4 });
    }
    if ((!whole || onWire > mtu) && path.dropsOut) return result({ outcome: 'lost' });
    const least = Math.min(mtu, 1500);
    const fragment = question.bytes > least ? 20 + Math.floor((least - 20) / 8) * 8 : 0;
    if (fragment > 0 && path.dropsBack) return result({ outcome: 'lost' });
    return result({ outcome: 'answered', from: TARGET, roundTrip: 2, fragment });
  };
  const send: Send = async (question) => {
    asked.push(question);
    const results: NativeProbeResult[] = [];
    while (results.length < tries) {
      const last = one(question);
      results.push(last);
      if (last.outcome === 'refused' || last.outcome === 'frag-needed') break;
      if (last.outcome === 'answered' && question.first) break;
    }
    return results;
  };
  return { send, asked };
}

function result(parts: Partial<NativeProbeResult>): NativeProbeResult {
  const empty = { from: '0.0.0.0', source: '0.0.0.0', mtu: 0, type: 0, code: 0, errno: 0, roundTrip: 0 };
  return { outcome: 'lost', ...empty, dontFragment: false, fragment: 0, ...parts };
}

async function probe(path: Path, size = 1500): Promise<ProbeFindings & { asked: Question[]; words: string }> {
  const { send, asked } = simulated(path);
  const findings = await probePath(send, size);
  return { ...findings, asked, words: verdict(findings, TARGET) };
}

describe('a path of 1500', () => {
  it('carries full size, and the device says that it carries no more', async () => {
    const found = await probe({});
    expect(found).toMatchObject({ reachable: 'yes', fullSize: 'yes', fullSizeBack: 'yes', largest: 1500 });
    expect(found.limit).toEqual({ by: 'host', mtu: 1500, errno: constants.errno.EMSGSIZE });
    expect(found.fragments).toEqual({ out: 'yes', back: 'yes' });
    expect(found.words).toBe('Full-size packets with DF pass (1500 bytes). Fragments pass in both directions.');
  });

  it('of which more was asked for than the device allows', async () => {
    const found = await probe({}, 9000);
    expect(found).toMatchObject({ fullSize: 'no', largest: 1500, limit: { by: 'host', mtu: 1500 } });
    expect(found.words).toMatch(/9000 bytes\) do not pass. Path MTU is 1500, limited by this host \(EMSGSIZE\)/);
  });

  it('behind a jumbo device is searched beyond what was asked for', async () => {
    const found = await probe({ device: 9000, mtu: 1600, tells: 'silence' });
    expect(found).toMatchObject({ largest: 1600, limit: { by: 'silence' } });
    // The host's device of 1500 answers packets of 1600 in fragments, but the full-size ones whole.
    expect(found).toMatchObject({ fullSize: 'yes', fullSizeBack: 'yes' });
  });
});

describe('a router whose next link has 1400', () => {
  it('that reports an MTU is believed, and asked twice: for 1500, for 1401, and for 1401 in its row', async () => {
    const found = await probe({ mtu: 1400 });
    expect(found).toMatchObject({ fullSize: 'no', largest: 1400, limit: { by: 'router', from: ROUTER } });
    expect(found.asked.filter(({ dontFragment, bytes }) => dontFragment && bytes > 1400)).toHaveLength(3);
    expect(found.words).toBe(
      `Full-size packets with DF (1500 bytes) do not pass. Path MTU is 1400, reported by ${ROUTER}. ` +
        'Fragments pass in both directions, so a tunnel that clears DF will work.',
    );
  });

  it('that reports once and then keeps to its rate limit is no black hole', async () => {
    const found = await probe({ mtu: 1400, patience: 1 });
    expect(found).toMatchObject({ largest: 1400, limit: { by: 'router', from: ROUTER } });
  });

  it('that reports no MTU in its ICMP error is measured by halving', async () => {
    const found = await probe({ mtu: 1400, tells: 'nothing-more' });
    expect(found).toMatchObject({ largest: 1400, limit: { by: 'router', from: ROUTER } });
  });

  it('that sends no ICMP is a black hole', async () => {
    const found = await probe({ mtu: 1400, tells: 'silence' });
    expect(found).toMatchObject({ fullSize: 'no', fullSizeBack: 'unknown', largest: 1400, limit: { by: 'silence' } });
    expect(found.fragments).toEqual({ out: 'yes', back: 'yes' });
    expect(found.words).toMatch(
      /Path MTU is 1400 and no ICMP is sent \(a PMTU black hole\)\. Fragments pass in both directions/,
    );
  });
});

describe('fragments', () => {
  it('go out in two pieces that fit, and come back because the answer is twice the largest', async () => {
    const { asked, rows } = await probe({ mtu: 1400 });
    // Half of 1380 is 690, the next multiple of 8 is 696.
    expect(asked.at(-2)).toEqual({ bytes: 1400, dontFragment: false, fragmentBytes: 716, first: false });
    expect(asked.at(-1)).toEqual({ bytes: 2800, dontFragment: false, fragmentBytes: 1400, first: false });
    expect(rows.slice(-2).map(({ pieces }) => pieces)).toEqual([2, 3]);
  });

  it('dropped outbound leave the return direction unknown', async () => {
    const found = await probe({ mtu: 1400, dropsOut: true });
    expect(found.fragments).toEqual({ out: 'no', back: 'unknown' });
    expect(found.words).toMatch(
      /do not pass outbound: a tunnel .* fragment: inner and path-mtu: 1400 in the site files/,
    );
    expect(found.rows.map(({ test }) => test)).not.toContain('fragments back');
  });

  it('that are dropped on the return path', async () => {
    const found = await probe({ mtu: 1400, dropsBack: true });
    expect(found.fragments).toEqual({ out: 'yes', back: 'no' });
    expect(found.words).toMatch(/pass outbound but not on return: a tunnel .* fragment: inner and path-mtu: 1400 /);
  });

  it('of an answer that comes whole are unknown', async () => {
    const { send } = simulated({});
    const found = await probePath(async (question) => {
      const results = await send(question);
      return results.map((each) => ({ ...each, fragment: 0 }));
    }, 1500);
    expect(found.fragments).toEqual({ out: 'yes', back: 'unknown' });
    expect(verdict(found, TARGET)).toMatch(/the return direction is unknown/);
  });

  it('as answers to full-size packets mean that those do not pass back', async () => {
    const { send } = simulated({});
    const found = await probePath(async (question) => {
      const results = await send(question);
      return results.map((each) => (question.bytes === 1500 ? { ...each, fragment: 1396 } : each));
    }, 1500);
    expect(found).toMatchObject({ largest: 1500, fullSize: 'no', fullSizeBack: 'no' });
    expect(verdict(found, TARGET)).toMatch(/pass outbound but not on return/);
  });
});

describe('no answer', () => {
  it('to a small packet leaves everything unknown, and nothing else is sent', async () => {
    const found = await probe({ dead: true });
    expect(found).toMatchObject({ reachable: 'unknown', fullSize: 'unknown', fullSizeBack: 'unknown' });
    expect(found.fragments).toEqual({ out: 'unknown', back: 'unknown' });
    expect(found.largest).toBeUndefined();
    expect(found.asked).toHaveLength(1);
    expect(found.words).toMatch(/does not answer even 64 bytes .*: nothing else is known/);
  });

  it('but a complaint: it is repeated', async () => {
    const told = result({ outcome: 'unreachable', from: ROUTER, type: 3, code: 1 });
    const found = await probePath(async () => [told, told, told], 1500);
    expect(found.reachable).toBe('unknown');
    expect(verdict(found, TARGET)).toContain(`(host unreachable, from ${ROUTER})`);
    expect(found.rows[0]?.complaints).toHaveLength(1);
  });
});

describe('loss', () => {
  it('of one request in five does not change the result, and is reported', async () => {
    const found = await probe({ mtu: 1400, tells: 'silence', lost: (n) => n % 5 === 4 });
    expect(found).toMatchObject({ fullSize: 'no', largest: 1400, fragments: { out: 'yes', back: 'yes' } });
    expect(found.words).toMatch(/loses packets of any size \(\d+ of \d+\): repeat it with more --tries/);
    expect(found.rows.every(({ sent, answered, lost }) => sent === answered + lost)).toBe(true);
  });

  it('that hides the full size at first is found out by its neighbour', async () => {
    // Request 0 to 2 are the small ones, 3 to 5 full size.
    const found = await probe({ lost: (n) => n >= 3 && n <= 5 });
    expect(found).toMatchObject({ fullSize: 'yes', largest: 1500, limit: { by: 'host', mtu: 1500 } });
  });
});

describe('any path', () => {
  const TELLS = ['mtu', 'nothing-more', 'silence'] as const;
  it('without loss is measured to the byte, with a bounded number of questions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 68, max: 9000 }),
        fc.integer({ min: 68, max: 9000 }),
        fc.integer({ min: 68, max: 9000 }),
        fc.constantFrom(...TELLS),
        async (mtu, device, size, tells) => {
          const found = await probe({ mtu, device, tells }, size);
          const largest = Math.min(mtu, device);
          expect(found.largest).toBe(largest);
          expect(found.asked.length).toBeLessThan(40);
          const whole = size <= Math.min(largest, 1500);
          expect(found.fullSize).toBe(whole ? 'yes' : 'no');
          expect(found.limit?.by).toBe(device <= mtu ? 'host' : tells === 'silence' ? 'silence' : 'router');
          expect(found.packets.sent).toBeGreaterThanOrEqual(found.rows.reduce((sum, { sent }) => sum + sent, 0));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('whatever is said in ICMP, the search ends', async () => {
    const outcome = fc.constantFrom('lost', 'answered', 'frag-needed', 'unreachable', 'refused' as const);
    const anything = fc.record({ outcome, mtu: fc.nat(70_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 60 }), async (said) => {
        let count = 0;
        const send: Send = async () => {
          const parts = count === 0 ? { outcome: 'answered' as const } : said[count % said.length];
          if (++count > 200) throw new Error('it goes on and on');
          return [result(parts as Partial<NativeProbeResult>)];
        };
        expect((await probePath(send, 1500)).largest).toBeGreaterThanOrEqual(64);
      }),
    );
  });
});

describe('HOST', () => {
  it.each([
    '::1',
    '10.1',
    '0x7f.1',
    'name.0x1',
    '2130706433',
    '224.0.0.1',
    '0.0.0.0',
    '10.0.0.0/8',
    '',
    '-x',
    'a b',
    '1.2.3.256',
  ])('is not %j', async (host) => {
    await expect(resolveHost(host)).rejects.toMatchObject({ code: 'USAGE', object: 'HOST' });
  });

  it('is an address, or a name with one', async () => {
    expect(await resolveHost('192.0.2.1')).toBe('192.0.2.1');
    expect(await resolveHost('localhost')).toMatch(/^127\./);
  });
});

describe('the table', () => {
  it('shows a line per row, what was sent and what was said', async () => {
    const { rows } = await probe({ mtu: 1400 });
    expect(probeTable(rows)).toBe(
      [
        '                         bytes     DF  fragments  sent  answered  RTT ms',
        'a small packet              64    set          -     3         3    2.00',
        'full size                 1500    set          -     1         0       -  frag needed, MTU 1400, from 192.0.2.1',
        'the largest that passes   1400    set          -     3         3    2.00',
        'one byte more             1401    set          -     1         0       -  frag needed, MTU 1400, from 192.0.2.1',
        'sent in fragments         1400  clear          2     3         3    2.00',
        'answered in fragments     2800  clear          3     3         3    2.00  answered in fragments of at most 1396 bytes',
        '',
      ].join('\n'),
    );
  });
});
