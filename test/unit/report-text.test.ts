import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { COUNTER_NAMES, type CounterName } from '../../src/counters.js';
import { adviceOn } from '../../src/report/advice.js';
import { bitRate, bytes, count, duration, percent, perSecond, protocolText } from '../../src/report/human.js';
import { ratesBetween } from '../../src/report/rates.js';
import { columns } from '../../src/report/table.js';
import { formatSnapshot } from '../../src/report/text.js';
import { kernelRow, snapshot } from './report-samples.js';

describe('numbers as people read them', () => {
  test.each([
    [count(0), '0'],
    [count(12_345_678), '12,345,678'],
    [bytes(0), '0 B'],
    [bytes(1023), '1023 B'],
    [bytes(1024), '1 KiB'],
    [bytes(67_108_864), '64 MiB'],
    [bytes(15_250_000_000), '14.2 GiB'],
    [perSecond(0), '0/s'],
    [perSecond(0.001), '<0.01/s'],
    [perSecond(0.5), '0.50/s'],
    [perSecond(999.6), '1 k/s'],
    [perSecond(81_234), '81.2 k/s'],
    [perSecond(2_500_000), '2.50 M/s'],
    [bitRate(117_125_000), '937 Mbit/s'],
    [bitRate(0), '0 bit/s'],
    [percent(0), '0 %'],
    [percent(0.00001), '<0.01 %'],
    [percent(0.0235), '2.35 %'],
    [percent(0.996), '99.6 %'],
    [percent(0.999999), '>99.99 %'],
    [percent(1), '100 %'],
    [duration(2.1), '2.10 s'],
    [duration(59.9), '59.9 s'],
    [duration(59.99), '1 min'],
    [duration(250), '4 min 10 s'],
    [duration(3600), '1 h'],
    [duration(11_100), '3 h 5 min'],
    [duration(1_051_200), '12 d 4 h'],
    [protocolText(47), 'GRE'],
    [protocolText(99), 'protocol 99'],
  ])('%s', (shown, expected) => {
    expect(shown).toBe(expected);
  });
});

test('columns align numbers at the right and leave no blanks at the end', () => {
  const text = columns([
    [{ text: 'a heading wider than its column', wide: true }],
    [{ text: 'a' }, { text: '1' }, { text: '' }],
    [{ text: 'bbb' }, { text: '1,000' }, { text: '5 %' }],
  ]);
  expect(text).toBe('a heading wider than its column\na        1\nbbb  1,000  5 %');
});

describe('formatSnapshot', () => {
  const usual = snapshot({
    queues: [{ queue: 0, counters: { packets: 1000, bytes: 1_480_000, batches: 50, cleared: 950, alreadyClear: 50 } }],
    kernel: { state: 'known', rows: [kernelRow(0, { waiting: 3 })], unread: [] },
    parts: { name: 'berlin', companion: 7 },
  });

  test('a quiet queue: the whole text', () => {
    expect(formatSnapshot(usual)).toBe(
      [
        'clear-df 1.2.3  berlin',
        '  queue 0, companion queue 7, up 10 s',
        '',
        '                                  total         share         mean',
        'came in',
        '  packets                         1,000                      100/s',
        '  bytes                        1.41 MiB                1.18 Mbit/s',
        '  batches                            50  20.0 a batch          5/s',
        'cleared',
        '  DF cleared                        950          95 %         95/s',
        'passed unchanged',
        '  DF already clear                   50           5 %          5/s',
        'losses',
        '  leaked: passed by fail-open         0           0 %          0/s',
        'kernel',
        '  waiting for a verdict               3',
        '',
      ].join('\n'),
    );
  });

  test('rare counters stay away while they are 0, and come with --all', () => {
    const labels = ['malformed', 'of those fragments', 'verdict errors', 'queue_dropped'];
    for (const label of labels) {
      expect(formatSnapshot(usual)).not.toContain(label);
      expect(formatSnapshot(usual, { all: true })).toContain(label);
    }
  });

  test.each(COUNTER_NAMES)('%s has its line, with --all and when it is not 0', (name: CounterName) => {
    // A figure that no other line can show by accident.
    const raised = snapshot({ queues: [{ queue: 0, counters: { [name]: 73_519 } }] });
    const figure = name === 'bytes' ? bytes(73_519) : '73,519';
    expect(formatSnapshot(raised, { all: true })).toContain(figure);
    if (name !== 'verdicts') expect(formatSnapshot(raised)).toContain(figure);
  });

  test('one queue needs no table of queues, several have one', () => {
    expect(formatSnapshot(usual)).not.toMatch(/^queue /m);
    const text = formatSnapshot(
      snapshot({
        queues: [{ queue: 3, counters: { packets: 11 } }, { queue: 4 }, { queue: 9, companion: true }],
        kernel: { state: 'known', rows: [kernelRow(3), kernelRow(4, { portId: 1 })], unread: [] },
      }),
    );
    expect(text).toMatch(/^ {2}3 +11 +0 +0 +0 +0 +0$/m);
    expect(text).toMatch(/^ {2}4 +0 +0 +0 +0 +held by another$/m);
    expect(text).toMatch(/^ {2}9 companion +0 +0 +0 +0 +not bound$/m);
    expect(text).toContain('queues 3:4, up');
  });

  test('rates over the last interval, or the mean since start', () => {
    expect(formatSnapshot(usual)).toMatch(/^ {2}packets +1,000 +100\/s$/m);
    const later = snapshot({ queues: [{ queue: 0, counters: { packets: 5000 } }], parts: { uptimeSeconds: 12 } });
    const text = formatSnapshot(later, { rates: ratesBetween(later, usual) });
    expect(text).toMatch(/share +last 2 s$/m);
    expect(text).toMatch(/^ {2}packets +5,000 +2 k\/s$/m);
    const anew = snapshot({ parts: { startedAt: 1_800_000_000 } });
    expect(formatSnapshot(anew, { rates: ratesBetween(anew, usual) })).toContain('since restart');
  });

  test('a kernel that shows no counters', () => {
    const text = formatSnapshot(
      snapshot({ kernel: { state: 'unknown', reason: 'proc-not-mounted', detail: '/proc is not mounted' } }),
    );
    expect(text).toContain('kernel: /proc is not mounted');
    expect(text).not.toContain('waiting for a verdict');
  });

  test('when identifications wrap', () => {
    const busiest = {
      destination: '198.51.100.2',
      protocol: 47,
      perSecond: 31_200,
      wrapSeconds: 65_535 / 31_200,
    };
    const stats = { ...usual.totals, queues: [], busiest };
    expect(formatSnapshot(snapshot({ parts: { stats } }))).toContain(
      'identifications wrap in 2.10 s at the busiest: to 198.51.100.2, GRE, 31.2 k/s',
    );
  });

  test('colour only when asked for, and it changes nothing but colour', () => {
    const leaky = snapshot({ queues: [{ queue: 0, counters: { packets: 10, leaked: 5 } }] });
    const plain = formatSnapshot(leaky);
    const coloured = formatSnapshot(leaky, { color: true });
    expect(plain).not.toContain('\x1b');
    expect(coloured).toContain('\x1b[31m5\x1b[39m');
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });
});

describe('adviceOn', () => {
  const seen = (...parameters: Parameters<typeof adviceOn>) => adviceOn(...parameters).map((advice) => advice.seen);
  const setting = { queue: 0, setting: 'receive-buffer', required: false, value: 67_108_864 };

  test('all is well', () => {
    expect(adviceOn(snapshot({ queues: [{ queue: 0, counters: { packets: 10, cleared: 10 } }] }))).toEqual([]);
  });

  test('leaks: how many, whether still, and the three remedies', () => {
    const before = snapshot({ queues: [{ queue: 0, counters: { packets: 90 } }], parts: { settings: [setting] } });
    const after = snapshot({
      queues: [{ queue: 0, counters: { packets: 90, leaked: 10 } }],
      parts: { settings: [setting], uptimeSeconds: 12 },
    });
    const [advice] = adviceOn(after, ratesBetween(after, before));
    expect(advice?.seen).toMatch(/^10 packets \(10 %, 5\/s just now\) went on unchanged/);
    expect(advice?.remedy).toMatch(/--receive-buffer \(now 64 MiB\).*--queue FIRST:LAST.*rules install/);
    expect(seen(after)[0]).toMatch(/^10 packets \(10 %\)/);
  });

  test('drops: our own count and the kernel of the same packets are one warning', () => {
    const kernel = { state: 'known' as const, rows: [kernelRow(0, { userDropped: 20 })], unread: [] };
    const list = seen(snapshot({ queues: [{ queue: 0, counters: { packets: 80, overrun: 15 } }], kernel }));
    expect(list).toEqual([
      'the kernel dropped 20 packets (20 %): a stall or a burst filled the receive buffer, and fail-open was off',
    ]);
  });

  describe('each cause of a loss is named, with what helps against it and nothing that does not', () => {
    const failOpen = (value: number, refused?: string) => ({
      settings: [{ queue: 0, setting: 'fail-open', required: false, value, ...(refused && { refused }) }],
    });
    const about = (counters: Record<string, number>, parts = failOpen(1), row = {}) => {
      const kernel = { state: 'known' as const, rows: [kernelRow(0, row)], unread: [] };
      const queues = [{ queue: 0, counters: { packets: 80, ...counters } }];
      return adviceOn(snapshot({ queues, kernel, parts })).filter(({ seen: text }) => !text.includes('refused'));
    };

    test('overload, with fail-open on: no word that it is off, nor that it would help', () => {
      // As in a flood: the kernel has counted some that no gap has told of yet.
      const list = about({ overrun: 15, overload: 15 }, failOpen(1), { userDropped: 20 });
      expect(list.map((advice) => advice.seen)).toEqual([
        'the kernel dropped 20 packets (20 %): overload, they came faster than one thread answers them',
      ]);
      expect(list[0]?.remedy).not.toMatch(/fail-open|raise/);
      expect(list[0]?.remedy).toContain('--queue FIRST:LAST');
    });

    test('overload and a stall, with fail-open off', () => {
      const list = about({ overrun: 30, overload: 20 }, failOpen(0));
      expect(list.map((advice) => advice.seen)).toEqual([
        expect.stringMatching(/^the kernel dropped 20 packets \(20 %\): overload/),
        expect.stringMatching(/^the kernel dropped 10 packets .*fail-open was off$/),
      ]);
      expect(list[1]?.remedy).toMatch(/raise --receive-buffer.*with fail-open on/);
    });

    test('fail-open that the kernel refused is off', () => {
      expect(about({ overrun: 5 }, failOpen(1, 'EOPNOTSUPP'))[0]?.seen).toContain('fail-open was off');
    });

    test('a full queue is no full buffer', () => {
      const list = about({ overrun: 7, queueFull: 7 }, failOpen(0), { queueDropped: 7 });
      expect(list.map((advice) => advice.seen)).toEqual([expect.stringContaining('queue length')]);
      expect(list[0]?.remedy).toContain('--queue-length');
    });

    test('a stall, with fail-open on', () => {
      const causes = /a stall or a burst .* fail-open let them through; or they came while the queue was being bound/;
      expect(about({ leaked: 20 })[0]?.seen).toMatch(new RegExp(`${causes.source}$`));
      expect(about({ leaked: 20, verdictErrors: 3 })[0]?.seen).toMatch(
        new RegExp(`${causes.source}, or could not be handed back edited$`),
      );
    });

    test('what is lost before the companion queue', () => {
      expect(about({ requeued: 9, requeueLost: 9 })[0]?.seen).toMatch(/^9 GSO packets were lost .*tracked connection/);
    });
  });

  test('a full queue', () => {
    const kernel = { state: 'known' as const, rows: [kernelRow(0, { queueDropped: 7 })], unread: [] };
    const [advice] = adviceOn(snapshot({ kernel }));
    expect(advice?.seen).toMatch(/dropped 7 packets: the queue was full/);
    expect(advice?.remedy).toContain('--queue-length');
  });

  test.each([
    // 895 of 995 packets are 89.9 %, 900 of 1000 are 90 %; what a companion gets counts for nothing.
    [[1000, 0, 0], 'queue 0 gets 100 % of what comes to 3 queues'],
    [[50, 900, 50], 'queue 1 gets 90 % of what comes to 3 queues'],
    [[50, 895, 50], '--queue FIRST:LAST'],
    [[1000], '--queue FIRST:LAST'],
  ])('losses while the queues get %j packets: %s', (packets, remedy) => {
    const own = packets.map((count, queue) => ({ queue, counters: { packets: count } }));
    const rows = own.map(({ queue }) => kernelRow(queue, { userDropped: 1, queueDropped: 1 }));
    const queues = [...own, { queue: 9, companion: true, counters: { packets: 5000 } }];
    const list = adviceOn(snapshot({ queues, kernel: { state: 'known', rows, unread: [] } }));
    expect(list.map((advice) => advice.seen.replace(/:.*/, ''))).toEqual([
      expect.stringMatching(/^the kernel dropped \d packets? \(/),
      expect.stringMatching(/^the kernel dropped \d packets?$/),
      'queue 9 is not bound by any process',
    ]);
    for (const advice of list.slice(0, 2)) {
      expect(advice.remedy).toContain(remedy);
      expect(advice.remedy.includes('--fanout cpu')).toBe(remedy.startsWith('queue'));
    }
  });

  test('a queue that another holds, or nobody', () => {
    const kernel = { state: 'known' as const, rows: [kernelRow(0, { portId: 77 })], unread: [] };
    expect(seen(snapshot({ queues: [{ queue: 0 }, { queue: 1 }], kernel }))).toEqual([
      'queue 0 is held by port id 77, which is not this clear-df',
      expect.stringContaining('queue 1 is not bound by any process'),
    ]);
  });

  test('refused settings, once for all queues that share them', () => {
    const refused = [0, 1].map((queue) => ({ ...setting, queue, refused: 'EPERM' }));
    const list = adviceOn(snapshot({ parts: { settings: [...refused, { ...setting, queue: 2 }] } }));
    expect(list.map((advice) => advice.seen)).toEqual(['the kernel refused receive-buffer (EPERM) on queue 0, 1']);
    expect(list[0]?.remedy).toContain('CAP_NET_ADMIN');
  });
});
