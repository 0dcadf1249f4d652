import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { endingOf, refusedBy } from '../../src/cli/output.js';
import { runCommand } from '../../src/cli/run.js';
import { ClearDfError, EXIT_CODES, type ErrorCode, usageError } from '../../src/errors.js';
import { OPTION_NAMES, optionInfo } from '../../src/commands/option-table.js';

describe('how a command ends', () => {
  it.each(Object.entries(EXIT_CODES))('%s with its own exit code %i, the reason and the hint', (code, exitCode) => {
    const error = new ClearDfError({
      code: code as ErrorCode,
      operation: 'do',
      object: 'it',
      reason: 'no',
      hint: 'try',
    });
    expect(endingOf(error, false)).toEqual({ text: 'clear-df: do it: no\nhint: try\n', exitCode });
  });

  it('the cause below is shown only when debugging', () => {
    const cause = new Error('below');
    const error = new ClearDfError({ code: 'RUNTIME', operation: 'do', reason: 'no', cause });
    expect(endingOf(error, false).text).toBe('clear-df: do: no\n');
    expect(endingOf(error, true).text).toContain(cause.stack);
  });

  it('what nobody expected: 1, and the stack only when debugging', () => {
    const error = new TypeError('x is not a function');
    expect(endingOf(error, false)).toEqual({
      text: 'clear-df: x is not a function\nhint: run it again with --log-level debug to see where\n',
      exitCode: 1,
    });
    expect(endingOf(error, true).text).toContain(error.stack);
    expect(endingOf('words', false).text).toContain('clear-df: words');
  });
});

describe('what commander refuses', () => {
  function refused(args: string[]): ReturnType<typeof endingOf> {
    const command = new Command().exitOverride().configureOutput({ outputError: () => undefined });
    command.option('--queue <N>', 'queue').argument('[one]');
    try {
      command.parse(args, { from: 'user' });
    } catch (error) {
      return endingOf(error, false);
    }
    throw new Error('it was not refused');
  }

  it.each([
    [['--queu', '0'], "clear-df: unknown option '--queu'\nhint: did you mean --queue?\n"],
    [['--zzz'], "clear-df: unknown option '--zzz'\nhint: clear-df --help shows what is accepted\n"],
    [['--queue'], "clear-df: option '--queue <N>' argument missing\nhint: clear-df --help shows what is accepted\n"],
  ])('%j', (args, text) => {
    expect(refused(args)).toEqual({ text, exitCode: 2 });
  });

  it('the hint is the help of the command that refused', () => {
    const error = refusedBy(new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"), 'a b');
    expect(endingOf(error, false).text).toContain('hint: a b --help shows what is accepted');
  });
});

describe('what was given', () => {
  it('is shown by its first 80 characters', () => {
    const { text } = endingOf(usageError('--name', 'x'.repeat(100_000), 'less'), false);
    expect(text).toBe(`clear-df: read --name: '${'x'.repeat(80)}…' is not accepted; expected less\n`);
    const long = new CommanderError(1, 'commander.unknownOption', `error: unknown option '--${'y'.repeat(500)}'`);
    expect(endingOf(long, false).text.length).toBeLessThan(200);
  });

  it.each([
    ['\u001b[31mX', '\\x1b[31mX'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\u202eevil', '\\u202eevil'],
    ['\u{1f600} ä', '\u{1f600} ä'],
  ])('%j cannot steer a terminal', (value, shown) => {
    expect(usageError('--name', value, 'less').message).toContain(`'${shown}' is not accepted`);
    expect(endingOf(new Error(value), false).text).toContain(`clear-df: ${shown}\n`);
  });
});

describe('clear-df run', () => {
  it('has every option of the table as a flag, and --config', () => {
    const flags = runCommand().options.map(({ flags: text }) => text);
    expect(flags).toEqual([...OPTION_NAMES.map((name) => optionInfo(name).flag), '--config <file>']);
  });

  it('a flag that is given twice is refused', async () => {
    const twice = runCommand().exitOverride().parseAsync(['--queue', '0', '--queue', '1'], { from: 'user' });
    await expect(twice).rejects.toThrow("--queue: it is given twice, '0' and '1'; expected it once");
  });
});
