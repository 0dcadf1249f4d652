/** `clear-df rules show|install|remove`: the firewall rules that feed the queue. */
import { Command } from 'commander';
import { ClearDfError, EXIT_CODES, usageError } from '../errors.js';
import { type Change, type Runner, createRunner } from '../host/exec.js';
import {
  type Backend,
  type ListedRule,
  installRules,
  listRules,
  BACKEND_CHOICES,
  removeRules,
} from '../host/firewall.js';
import { feedText, liveFeeds } from '../host/firewall/feeds.js';
import { underRulesLock } from '../host/firewall/lock.js';
import { type LogLevel, type Logger, createLogger } from '../log.js';
import { type QueueRange } from '../net/queue-range.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../rules/spec.js';
import { explain } from './explain.js';
import { addLogOptions, WordOption } from './option.js';
import { type RuleFlags, addRuleFlags, backendFromFlags, ruleSpecFromFlags } from './rule-flags.js';

interface CommonFlags {
  name?: string;
  dryRun?: boolean;
  force?: boolean;
  logLevel?: LogLevel | undefined;
}

const FORCE = 'even while a live process holds the queue that the rules feed now';

/** The `rules` command with its three verbs; failures are thrown as ClearDfError. */
export function rulesCommand(): Command {
  const rules = explain(new Command('rules'), {
    examples: [
      ['clear-df rules install --queue 0 --hook bridge --out-dev gretap1', 'for a run, or a program, at queue 0'],
      ['clear-df rules show', 'those that clear-df owns'],
      ['clear-df rules remove', 'also what a killed run left'],
    ],
    files: ['state'],
    see: ['iptables(8)', 'nft(8)'],
  });
  const show = new Command('show')
    .description('list the rules that clear-df owns, over all backends')
    .option('--name <name>', 'only those of this instance')
    .option('--json', 'print JSON')
    .action((flags: CommonFlags & { json?: boolean }) => showRules(flags));
  const install = addRuleFlags(new Command('install').description('install rules, or change them, in one transaction'))
    .option('--force', FORCE)
    .option('--dry-run', 'print the commands, for a shell, and change nothing')
    .action((flags: RuleFlags & CommonFlags) => installInstance(flags));
  const remove = new Command('remove')
    .description("remove an instance's rules and nothing else")
    .option('--name <name>', "the instance (default: 'default')")
    .addOption(new WordOption('--backend <backend>', 'only from this backend; from all unless given', BACKEND_CHOICES))
    .option('--force', FORCE)
    .option('--dry-run', 'print the commands, for a shell, and change nothing')
    .action((flags: CommonFlags & { backend?: string }) => removeInstance(flags));
  for (const verb of [show, install, remove]) {
    rules.addCommand(addLogOptions(verb));
  }
  return rules;
}

async function showRules({ name, json, logLevel }: CommonFlags & { json?: boolean }): Promise<void> {
  if (name !== undefined) checked(name);
  const { log, runner } = tools({ logLevel });
  const { rules, unread } = await listRules(runner);
  for (const { backend, reason } of unread) log.warn(`rules of ${backend} are not known: ${reason}`);
  // Some rules may be there all the same: 0 would say that these are all.
  if (unread.length > 0) process.exitCode = EXIT_CODES.RUNTIME;
  const wanted = rules.filter((rule) => name === undefined || rule.name === name);
  if (json) {
    process.stdout.write(`${JSON.stringify({ rules: wanted, unread }, null, 2)}\n`);
    return;
  }
  const none = name === undefined ? 'no rules' : `no rules of ${name}`;
  if (wanted.length === 0) log.info(unread.length === 0 ? none : `${none} in what could be read`);
  process.stdout.write(wanted.map(ruleText).join(''));
}

function ruleText({ name, backend, chain, rule }: ListedRule): string {
  return `${name}\t${backend}\t${chain}\t${rule}\n`;
}

async function installInstance(flags: RuleFlags & CommonFlags): Promise<void> {
  const spec = ruleSpecFromFlags(flags);
  const choice = backendFromFlags(flags);
  const { log, runner } = tools(flags);
  const done = await underRulesLock(runner, log, async () => {
    await refuseLive(runner, 'install', spec.name, flags, spec.queues);
    return installRules(runner, [spec], choice);
  });
  const { backend, reason, changed, rules, removedFrom, notes } = done;
  const verb = runner.dryRun ? 'would install' : changed ? 'installed' : 'already there:';
  log.info(
    `${verb} ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'} of ${spec.name} in ${backend} (${reason})`,
  );
  if (removedFrom.length > 0) log.info(`rules of ${spec.name} moved here from ${removedFrom.join(', ')}`);
  for (const { level, text } of notes) log[level](text);
}

async function removeInstance(flags: CommonFlags & { backend?: string }): Promise<void> {
  const name = checked(flags.name ?? 'default');
  const { log, runner } = tools(flags);
  const backend = flags.backend === 'auto' ? undefined : (flags.backend as Backend | undefined);
  const { removedFrom, unread, notes } = await underRulesLock(runner, log, async () => {
    await refuseLive(runner, 'remove', name, flags);
    return removeRules(runner, name, backend);
  });
  for (const note of notes) log.warn(note);
  for (const each of unread) log.warn(`rules of ${each.backend} are not known, some may be left: ${each.reason}`);
  // As for `show`: 0 would say that none are left.
  if (unread.length > 0) process.exitCode = EXIT_CODES.RUNTIME;
  const verb = runner.dryRun ? 'would remove' : 'removed';
  const none = `no rules of ${name}${unread.length === 0 ? '' : ' in what could be read'}`;
  log.info(removedFrom.length > 0 ? `${verb} rules of ${name} from ${removedFrom.join(', ')}` : none);
  await removePrograms(name, runner.dryRun, log);
}

/** What a run of this name has left at tc. */
async function removePrograms(name: string, dryRun: boolean, log: Logger): Promise<void> {
  const { countFastPath, removeFastPath } = await import('../fast-path/fast-path.js');
  if (countFastPath(name) === 0) return;
  if (dryRun) {
    log.info(`would remove the fast path of ${name}`);
    return;
  }
  removeFastPath(name);
  log.info(`fast path of ${name} removed`);
}

/**
 * Rules that feed the queue of a live process are someone's traffic: they are not taken away unasked.
 * @param wanted the queues they would feed afterwards; the same ones are no loss to anyone
 */
async function refuseLive(
  runner: Runner,
  verb: 'install' | 'remove',
  name: string,
  { force }: CommonFlags,
  wanted?: QueueRange,
): Promise<void> {
  if (force === true) return;
  const feeds = await liveFeeds(runner, name);
  const other = feeds.find(({ queues }) => queues.first !== wanted?.first || queues.last !== wanted.last);
  if (other === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: `${verb} rules of`,
    object: name,
    reason: feedText(other),
    hint: 'name other rules with --name, stop that process, or do it all the same with --force',
  });
}

function tools({ dryRun = false, logLevel = 'info' }: CommonFlags): { log: Logger; runner: Runner } {
  const log = createLogger(logLevel);
  return { log, runner: createRunner({ log, dryRun, print }) };
}

/** Standard output is a script for a shell: each tool with what it reads. */
function print({ text }: Change): void {
  process.stdout.write(`${text}\n`);
}

function checked(name: string): string {
  if (!isInstanceName(name)) throw usageError('--name', name, INSTANCE_NAME_FORM);
  return name;
}
