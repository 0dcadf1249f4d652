/** What holds for every rule that is accepted, whatever a person typed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { replayText } from '../../src/host/exec.js';
import * as iptables from '../../src/rules/iptables.js';
import * as nft from '../../src/rules/nft.js';
import { resolveRules, type ResolvedRule } from '../../src/rules/resolve.js';
import { parseRuleSpec } from '../../src/rules/spec.js';
import { joinWords, splitWords } from '../../src/rules/save-format.js';

const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a"b', 'a\nCOMMIT', 'eth+', '-j', "'; rm"),
);
const deviceName = fc.stringMatching(/^[a-z][a-z0-9.-]{0,14}$/);
const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$/);
const queues = fc
  .tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 255 }))
  .map(([first, more]) => ({ first, last: Math.min(first + more, 65_535) }));
const prefix = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`);
const port = fc.integer({ min: 444, max: 65_535 }).map((number) => `udp:${number}`);
const proto = fc.oneof(fc.constantFrom('gre', 'esp', 'all'), port);
const bytes = fc.integer({ min: 68, max: 65_534 });

const fanout = fc.constantFrom('hash', 'cpu');
const anywhere = { queues, name, proto, local: prefix, remote: prefix, fanout, bypass: fc.boolean() };

/** Rules whose parts fit each other, of every hook. */
const sound = fc
  .oneof(
    fc.record(
      { ...anywhere, hook: fc.constantFrom('output', 'postrouting'), outDev: deviceName, largerThan: bytes },
      { requiredKeys: ['queues', 'name'] },
    ),
    fc.record(
      { ...anywhere, forwarded: fc.constant(true), includeQuic: fc.boolean(), inDev: deviceName, outDev: deviceName },
      { requiredKeys: ['queues', 'name', 'forwarded', 'outDev'] },
    ),
    fc.record(
      { ...anywhere, hook: fc.constant('bridge'), inDev: deviceName, outDev: deviceName, largerThan: bytes },
      { requiredKeys: ['queues', 'name', 'hook', 'outDev'] },
    ),
  )
  .map((input) => (input.queues.first === input.queues.last ? { ...input, fanout: 'hash' } : input));

/** The same with one part that a person got wrong, or meant badly. */
const spoilt = fc
  .tuple(sound, fc.constantFrom('name', 'hook', 'proto', 'local', 'remote', 'inDev', 'outDev', 'largerThan'), hostile)
  .map(([input, part, text]) => ({ ...input, [part]: text }));

/** The rules of what is accepted; undefined for what is refused, which must be by USAGE. */
function rulesOf(input: object): ResolvedRule[] | undefined {
  try {
    return resolveRules(parseRuleSpec(input), { mtu: 1400 });
  } catch (error) {
    expect(error).toBeInstanceOf(ClearDfError);
    expect((error as ClearDfError).code).toBe('USAGE');
    return undefined;
  }
}

/** A line with its table in front: `mangle -A …`. */
const placed = (rule: ResolvedRule): string => `mangle ${iptables.ruleLine(rule)}`;

/** The model of `iptables-restore --noflush` on lines: -D takes the first equal one of its table, -A appends. */
function applied(save: string[], text: string | undefined): string[] {
  const lines = [...save];
  let table = '';
  for (const line of text?.split('\n') ?? []) {
    if (line.startsWith('*')) table = line.slice(1);
    if (line.startsWith('-A ')) lines.push(`${table} ${line}`);
    if (!line.startsWith('-D ')) continue;
    const at = lines.indexOf(`${table} ${line.replace('-D', '-A')}`);
    expect(at).toBeGreaterThanOrEqual(0);
    lines.splice(at, 1);
  }
  return lines;
}

const FOREIGN = [
  'mangle -A PREROUTING -j ACCEPT',
  'mangle -A OUTPUT -m comment --comment "clear-df" -j NFQUEUE --queue-num 0',
];
const saveOf = (lines: string[]): string =>
  ['mangle']
    .flatMap((table) => [
      `*${table}`,
      ...lines.filter((line) => line.startsWith(`${table} `)).map((line) => line.slice(table.length + 1)),
      'COMMIT',
    ])
    .join('\n');

describe('rule text', () => {
  it('holds nothing of what a person typed but safe words, on lines of its own', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(sound, spoilt), (input) => {
        const rules = rulesOf(input);
        if (!rules) return;
        accepted += 1;
        const lines = rules.map(iptables.ruleLine);
        for (const line of lines) expect(line).toMatch(/^-A [A-Z]+ [A-Za-z0-9_.@%=~^:/&!" -]+$/);
        const text = iptables.installText('', rules[0]!.name, rules);
        const tables = new Set(['mangle']);
        expect(text?.split('\n')).toHaveLength(lines.length + 2 * tables.size + 1);
        for (const line of rules.flatMap(nft.ruleLines)) {
          expect(line).toMatch(/^[A-Za-z0-9_.@%=~^:/&!>", -]+$/);
          expect(line.split('"').length % 2).toBe(1);
          expect(line.replace(/"[^"]*"/g, '')).toMatch(/^[a-z0-9 ./&!=>,-]+$/);
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(1000);
  });

  it('names its owner, its queues and DF in every rule', () => {
    fc.assert(
      fc.property(sound, (input) => {
        for (const rule of rulesOf(input)!) {
          const [owned] = iptables.ownedRules(saveOf([placed(rule)]));
          expect(owned?.name).toBe(rule.name);
          expect(owned?.words).toContain('0x4&0x4000=0x4000');
          const { first, last } = rule.queues;
          expect(owned?.words).toContain(first === last ? String(first) : `${first}:${last}`);
          expect(owned?.words.includes('--queue-bypass')).toBe(rule.bypass);
          expect(owned?.words.includes('--queue-cpu-fanout')).toBe(rule.fanout === 'cpu');
        }
      }),
    );
  });
});

describe('installing', () => {
  const both = fc
    .tuple(sound, sound)
    .map((inputs) => inputs.map((input) => rulesOf(input)!) as [ResolvedRule[], ResolvedRule[]]);

  it('twice is installing once', () => {
    fc.assert(
      fc.property(both, fc.nat(3), ([rules, earlier], copies) => {
        const owner = rules[0]!.name;
        const old = earlier.map((rule) => placed({ ...rule, name: owner }));
        const before = [...FOREIGN, ...Array.from({ length: copies }, () => old).flat()];
        const once = applied(before, iptables.installText(saveOf(before), owner, rules));
        expect(iptables.ownedRules(saveOf(once), owner).map(({ table, line }) => `${table} ${line}`)).toEqual(
          rules.map(placed),
        );
        expect(iptables.installText(saveOf(once), owner, rules)).toBeUndefined();
      }),
    );
  });

  it('twice is installing once, also for rules of several hooks, in whatever order a save text has the chains', () => {
    fc.assert(
      fc.property(both, fc.boolean(), ([some, more], backwards) => {
        const owner = some[0]!.name;
        const rules = [...some, ...more.map((rule) => ({ ...rule, name: owner }))];
        const once = applied(FOREIGN, iptables.installText(saveOf(FOREIGN), owner, rules));
        const chains = [...new Set(once.map((line) => line.split(' ')[2]))].sort();
        if (backwards) chains.reverse();
        const saved = chains.flatMap((chain) => once.filter((line) => line.split(' ')[2] === chain));
        expect(iptables.installText(saveOf(saved), owner, rules)).toBeUndefined();
        for (const at of rules.keys()) {
          expect(
            iptables.installText(
              saveOf(saved),
              owner,
              rules.filter((_, i) => i !== at),
            ),
          ).toBeDefined();
        }
      }),
    );
  });

  it('and removing leaves everyone else as they were', () => {
    fc.assert(
      fc.property(both, ([rules, others]) => {
        if (rules[0]!.name === others[0]!.name) return;
        const before = [...FOREIGN, ...others.map(placed)];
        const installed = applied(before, iptables.installText(saveOf(before), rules[0]!.name, rules));
        expect(applied(installed, iptables.removeText(saveOf(installed), rules[0]!.name))).toEqual(before);
      }),
    );
  });

  it('undone gives back the earlier rules', () => {
    fc.assert(
      fc.property(both, ([rules, earlier]) => {
        const owner = rules[0]!.name;
        const before = [...FOREIGN, ...earlier.map((rule) => placed({ ...rule, name: owner }))];
        const installed = applied(before, iptables.installText(saveOf(before), owner, rules));
        expect(applied(installed, iptables.putBackText(saveOf(installed), saveOf(before), owner))).toEqual(before);
      }),
    );
  });
});

describe('rules of others', () => {
  const name = fc.constantFrom(
    'mangle -A PREROUTING',
    'mangle -A POSTROUTING',
    'mangle -A OUTPUT',
    'mangle -A FORWARD',
  );
  const foreign = name.map((home) => `${home} -p tcp -j MARK --set-xmark 0x7/0xffffffff`);

  it('never stand behind: whoever comes later, the next installation is last, and leaves them in their order', () => {
    fc.assert(
      fc.property(
        sound,
        fc.array(foreign, { maxLength: 3 }),
        fc.array(foreign, { maxLength: 3 }),
        (input, early, late) => {
          const rules = rulesOf(input)!;
          const owner = rules[0]!.name;
          const first = applied(early, iptables.installText(saveOf(early), owner, rules));
          expect(iptables.rulesBehind(saveOf(first), owner)).toEqual([]);
          const grown = [...first, ...late];
          const behind = late.filter((line) =>
            rules.some((rule) => line.startsWith(`${placed(rule).split(' ', 3).join(' ')} `)),
          );
          expect(iptables.rulesBehind(saveOf(grown), owner)).toHaveLength(behind.length);
          for (const text of [
            iptables.installText(saveOf(grown), owner, rules),
            iptables.lastText(saveOf(grown), owner),
          ]) {
            expect(text === undefined).toBe(behind.length === 0);
            const last = applied(grown, text);
            expect(iptables.rulesBehind(saveOf(last), owner)).toEqual([]);
            const others = last.filter((line) => !line.includes('clear-df:'));
            expect(others).toEqual([...early, ...late]);
            expect(last).toHaveLength(grown.length);
          }
        },
      ),
    );
  });
});

describe('words', () => {
  it('come back from a line as they went in', () => {
    const word = fc.string({ unit: 'grapheme-ascii', minLength: 1 });
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitWords(joinWords(words))).toEqual(words);
      }),
    );
  });
});

describe('a replayed command', () => {
  it('quotes what a shell would read', () => {
    expect(replayText('ip', ['link', 'show', "a'b c"])).toBe("ip link show 'a'\\''b c'");
    expect(replayText('nft', ['-f', '-'], 'x\nEOF')).toBe("nft -f - <<'EOF_'\nx\nEOF\nEOF_");
  });
});
