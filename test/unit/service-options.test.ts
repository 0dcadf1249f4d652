import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import {
  FILE_KEYS,
  type GivenOptions,
  OPTION_NAMES,
  type OptionName,
  optionInfo,
} from '../../src/commands/option-table.js';
import { parseOpenOptions } from '../../src/mangler/options.js';
import { parseRuleSpec } from '../../src/rules/spec.js';
import { optionsFor, readOptions, type ServiceOptions } from '../../src/commands/options.js';

function given(texts: Partial<Record<OptionName, string>>): GivenOptions {
  const entries = Object.entries(texts).map(([name, text]) => [name, { text, where: `--${name}` }]);
  return Object.fromEntries(entries) as GivenOptions;
}

function read(texts: Partial<Record<OptionName, string>>): ServiceOptions {
  return readOptions(given({ queue: '0', ...texts }));
}

function refusal(texts: Partial<Record<OptionName, string>>): ClearDfError {
  try {
    read(texts);
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(texts)} was not refused`);
}

/** Options that need others to be read at all. */
function setting(name: OptionName, text: string): Partial<Record<OptionName, string>> {
  return optionInfo(name).group === 'rules' && name !== 'install-rules'
    ? { 'install-rules': 'true', [name]: text }
    : { [name]: text };
}

describe('what is accepted', () => {
  it('a queue alone: everything else has its default', () => {
    expect(read({})).toMatchObject({
      queue: { first: 0, last: 0 },
      identification: 'random',
      gso: 'auto',
      'fail-open': true,
      'install-rules': false,
      backend: 'auto',
      metrics: { host: '127.0.0.1', port: 9857 },
      'log-level': 'info',
      'dry-run': false,
    });
    expect(read({}).rules).toEqual([]);
  });

  it('a rule, with the defaults of its situation', () => {
    expect(read({ 'install-rules': 'true' }).rules).toMatchObject([{ hook: 'output', proto: 'gre', name: 'default' }]);
    const forwarded = read({ 'install-rules': 'true', forwarded: 'true', 'out-dev': 'eth1' });
    expect(forwarded.rules).toMatchObject([{ hook: 'prerouting', proto: 'all', largerThan: 'mtu', outDev: 'eth1' }]);
    const exact = read({ 'install-rules': 'true', 'larger-than': '1400', local: '192.0.2.1', proto: 'udp:4500' });
    expect(exact.rules).toMatchObject([{ largerThan: 1400, local: '192.0.2.1/32', proto: 'udp:4500' }]);
  });

  it('every number of a queue range that goes upwards', () => {
    const number = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: 255 }), (first, more) => {
        const last = Math.min(first + more, 65_535);
        expect(read({ queue: `${first}:${last}` }).queue).toEqual({ first, last });
      }),
    );
  });

  it('whole numbers within their bounds, as they are written', () => {
    const bounds = {
      'queue-length': [1, 0x7fff_ffff],
      'receive-buffer': [65_536, 0x4000_0000],
      'copy-range': [20, 65_531],
    };
    // With it, a queue must be longer than the receive buffer can fill.
    const alone = { 'fail-open': 'false' };
    for (const [name, [min = 0, max = 0]] of Object.entries(bounds) as [OptionName, number[]][]) {
      fc.assert(
        fc.property(fc.integer({ min: -10, max: 0x7fff_ffff * 2 }), (value) => {
          const fits = value >= min && value <= max;
          if (fits) expect(read({ ...alone, [name]: String(value) })[name]).toBe(value);
          else expect(refusal({ [name]: String(value) }).message).toContain(`'${value}'`);
        }),
      );
      for (const edge of [min, max]) expect(read({ ...alone, [name]: String(edge) })[name]).toBe(edge);
      for (const beyond of [min - 1, max + 1]) refusal({ [name]: String(beyond) });
    }
  });
});

describe('what is refused', () => {
  it('any other text: the option, the value and the accepted form are named', () => {
    const closed = OPTION_NAMES.filter((name) => !/^name$|-dev$/.test(name));
    const text = fc.string({ maxLength: 12 }).filter((word) => !/^(\d|true|false|off|all|gre|esp|mtu)/.test(word));
    fc.assert(
      fc.property(fc.constantFrom(...closed), text, (name, word) => {
        const accepted = optionInfo(name).accepted.split(/[ ,]/, 1)[0] as string;
        fc.pre(
          !optionInfo(name)
            .accepted.split(/, | or /)
            .includes(word),
        );
        const { code, message, object } = refusal(setting(name, word));
        expect({ code, object }).toEqual({ code: 'USAGE', object: `--${name}` });
        expect(message).toContain(`'${word}'`);
        expect(message).toContain(accepted);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['queue', '0x1'],
    ['queue', '5:3'],
    ['queue', '0:256'],
    ['queue', '65536'],
    ['queue', '1:2:3'],
    ['queue', ' 1'],
    ['queue-length', '1e3'],
    ['queue-length', '01'],
    ['receive-buffer', '64k'],
    ['stats', '0'],
    ['stats', '1e1'],
    ['stats', '86401'],
    ['metrics', 'localhost:9857'],
    ['metrics', '127.0.0.1'],
    ['metrics', '127.0.0.1:65536'],
    ['metrics', '::1:9857'],
    ['fail-open', 'yes'],
    ['log-level', 'INFO'],
    ['proto', 'udp:0'],
    ['proto', 'udp:65536'],
    ['local', '2001:db8::1'],
    ['remote', '10.0.0.0/33'],
    ['larger-than', '67'],
    ['larger-than', '-1'],
    ['in-dev', 'a/b'],
    ['name', 'two words'],
  ] as [OptionName, string][])('--%s %j', (name, text) => {
    const { message, exitCode } = refusal(setting(name, text));
    // What has been read as a number is shown as one.
    expect(message.replaceAll("'", '')).toContain(`--${name}: ${text} is not accepted; expected `);
    expect(exitCode).toBe(2);
  });

  it('no queue at all', () => {
    expect(() => readOptions({})).toThrow(/--queue: it is missing; expected N or N:M/);
  });

  it.each([
    [{ companion: '2', queue: '0:3' }, '--companion'],
    [{ queue: '010' }, '--queue'],
    [{ queue: '0:07' }, '--queue'],
    [{ companion: '9', gso: 'off' }, '--companion'],
    [{ hook: 'output' }, '--hook'],
    [{ forwarded: 'true' }, '--forwarded'],
    [{ bypass: 'false' }, '--bypass'],
    [{ 'install-rules': 'true', hook: 'prerouting' }, '--hook'],
    [{ 'queue-length': '262143' }, '--queue-length'],
    [{ 'receive-buffer': '268435457' }, '--queue-length'],
    [{ 'install-rules': 'true', name: 'queue-1' }, '--name'],
    [{ 'install-rules': 'true', hook: 'bridge' }, '--out-dev'],
    [{ 'install-rules': 'true', 'include-quic': 'true' }, '--include-quic'],
  ] as [Partial<Record<OptionName, string>>, string][])('what does not go together: %j', (texts, option) => {
    const { object, message } = refusal(texts);
    expect(object).toBe(option);
    expect(message).toMatch(/expected|requires --/);
  });

  it('a rule of a file by its place in the file', () => {
    const where = '/etc/clear-df.yaml:3:7 hook';
    const options = { ...given({ queue: '0', 'install-rules': 'true' }), hook: { text: 'input', where } };
    expect(() => readOptions(options)).toThrow(
      `read ${where}: its value (not repeated here) is not accepted; expected output, prerouting, postrouting, bridge`,
    );
  });
});

describe('the table', () => {
  it('gives every option one name for its flag, its key and itself', () => {
    for (const name of OPTION_NAMES)
      expect(optionInfo(name).flag.split(' ')[0]).toMatch(new RegExp(`^--(no-)?${name}$`));
    expect(FILE_KEYS).toEqual(OPTION_NAMES.filter((name) => name !== 'dry-run'));
  });

  it('shows defaults that are the ones taken', () => {
    for (const name of OPTION_NAMES) {
      const { defaultText, group } = optionInfo(name);
      const read0 = read({})[name];
      if (defaultText === undefined || read0 === undefined || group === 'rules' || typeof read0 === 'object') continue;
      expect([name, String(read0)]).toEqual([name, defaultText]);
    }
    const { metrics } = read({});
    expect(metrics).toEqual(read({ metrics: optionInfo('metrics').defaultText as string }).metrics);
  });

  it('shows the defaults of the library and of a rule, and a run takes the same', () => {
    const queue = { first: 0, last: 0 };
    const library = parseOpenOptions({ queues: 0 });
    const rule = parseRuleSpec({ queues: queue });
    const elsewhere: Partial<Record<OptionName, unknown>> = {
      identification: library.identification,
      'fail-open': library.failOpen,
      'queue-length': library.queueLength,
      'receive-buffer': library.receiveBuffer,
      'copy-range': library.copyRange,
      batch: library.batch,
      coalesce: library.coalesce,
      forwarded: rule.forwarded,
      'include-quic': rule.includeQuic,
      fanout: rule.fanout,
      bypass: rule.bypass,
      name: rule.name,
    };
    for (const [name, value] of Object.entries(elsewhere) as [OptionName, unknown][]) {
      expect([name, optionInfo(name).defaultText]).toEqual([name, String(value)]);
      // What it leaves out, the library or the rule fills in.
      expect([name, read({})[name] ?? value]).toEqual([name, value]);
    }
  });
});

describe('options made in code', () => {
  const queues = { first: 4, last: 7 };
  const rules = [{ hook: 'bridge', outDev: 'gretap1' }, { local: '192.0.2.1' }].map((asked) =>
    parseRuleSpec({ queues, name: 'site', ...asked }),
  );

  it('are those of flags, with as many rules as it takes', () => {
    const made = optionsFor({
      queues,
      rules,
      identification: 'keep',
      metrics: 'off',
      backend: 'nft',
      stats: undefined,
    });
    const flags = { queue: '4:7', identification: 'keep', metrics: 'off', backend: 'nft', name: 'site' };
    const read = readOptions(given({ ...flags, 'install-rules': 'true' }));
    expect({ ...made, rules: [], given: {} }).toEqual({ ...read, rules: [], given: {} });
    expect(made.rules).toEqual(rules);
    expect(Object.keys(made.given).sort()).toEqual(Object.keys(read.given).sort());
    expect(made.given.queue).toEqual({ text: '4:7', where: 'queue' });
  });

  it('are those of a queue alone without rules', () => {
    const made = optionsFor({ queues, rules: [] });
    expect({ ...made, given: {} }).toEqual({ ...readOptions(given({ queue: '4:7' })), given: {} });
    expect(Object.keys(made.given)).toEqual(['queue']);
  });

  it('are refused by the name of the option', () => {
    expect(() => optionsFor({ queues, rules, identification: 'none' })).toThrow(
      "identification: 'none' is not accepted; expected random, keep or sequential",
    );
    expect(() => optionsFor({ queues: { first: 0, last: 256 }, rules: [] })).toThrow("queue: '0:256' is not accepted");
  });

  it('take no rules of two instances, nor of other queues', () => {
    const other = parseRuleSpec({ queues, name: 'other' });
    expect(() => optionsFor({ queues, rules: [...rules, other] })).toThrow(TypeError);
    expect(() => optionsFor({ queues: { first: 4, last: 4 }, rules })).toThrow(TypeError);
  });
});
