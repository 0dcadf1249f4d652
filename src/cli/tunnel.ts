/** `clear-df tunnel plan|up|down|status|unit|keys|ike|peer`: tunnel, bridge, carrier and rules, from one YAML file per site. */
import path from 'node:path';
import { Command, Option } from 'commander';
import { missingError, usageError } from '../errors.js';
import { createLogger, type LogLevel } from '../log.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../rules/spec.js';
import { type SignalWatch, watchSignals } from '../commands/signals.js';
import { ENGINES, type Engine } from '../tunnel/site/site.js';
import { PEER_ROUTERS, type PeerRouter } from '../tunnel/types/peer-text.js';
import { isSingle } from '../native/single.js';
import type { OwnCommand } from '../tunnel/unit-text.js';
import { type Explanation, explain } from './explain.js';
import { addLogOptions, WordOption } from './option.js';
import { version } from './version.js';

const SITE = '/etc/clear-df/site-a.yaml';

const DETAILS: Explanation = {
  text: `
up changes nothing until everything is known to fit, keeps a journal of what it changes (/run/clear-df), and goes on
where an earlier run was interrupted. With engine nfqueue it stays in the foreground and mangles until TERM, and with
carrier esp-in-udp it holds the UDP socket; the tunnel stays set up until down, which puts back what was there before.`,
  examples: [
    [`clear-df tunnel plan ${SITE}`, 'look first: every command and its reason'],
    [`clear-df tunnel up ${SITE}`, 'set it up, on both routers'],
    [`clear-df tunnel status ${SITE}`, 'does this machine still look as planned?'],
    [`clear-df tunnel down ${SITE}`, 'put back what was there before'],
    [`clear-df tunnel keys ${SITE}`, 'make the secrets that the file names'],
    [`clear-df tunnel unit ${SITE}`, 'a service for it'],
    [`clear-df tunnel ike --libreswan ${SITE}`, "what the other end's Libreswan has to be told"],
    [`clear-df tunnel peer --router vyos ${SITE}`, 'what a VyOS at the other end has to be told'],
  ],
  files: ['site', 'state'],
  see: ['ip-link(8)', 'ip-xfrm(8)', 'bridge(8)'],
};

interface Flags {
  logLevel: LogLevel;
  json?: boolean;
  dryRun?: boolean;
  setupOnly?: boolean;
  force?: boolean;
  libreswan?: boolean;
  withSecret?: boolean;
  name?: string;
  output?: string;
  engine?: Engine;
  router?: PeerRouter;
}

/** The command, for the table of commands; `signals` when they are watched already. Each verb loads what it needs itself. */
export function tunnelCommand(signals?: SignalWatch): Command {
  const tunnel = explain(new Command('tunnel'), DETAILS);
  const verbs = [
    verb('plan', 'print what up would do, why, and what becomes of a full packet', true)
      .option('--json', 'print JSON')
      .action(async (file: string, { json, logLevel }: Flags) => {
        const { tunnelPlan } = await import('../commands/tunnel.js');
        const { text, conflict } = await tunnelPlan(file, { json: json === true }, createLogger(logLevel));
        print(text);
        if (conflict !== undefined) throw conflict;
      }),
    verb('up', 'set the tunnel up, and mangle where its engine is the queue', true)
      .option('--setup-only', 'return when it is set up; something else mangles, and holds the socket of esp-in-udp')
      .addOption(new WordOption('--engine <engine>', `in place of the file's "auto"`, ENGINES))
      .option('--dry-run', 'print the commands that would be given, and change nothing')
      .action((file: string, flags: Flags) => up(file, flags, signals)),
    verb('down', 'put back what was there before', false)
      .option('--name <name>', 'the tunnel, if the file is gone', checkedName)
      .option('--force', 'even while a live process that is not its own needs its rules')
      .option('--dry-run', 'print the commands that would be given, and change nothing')
      .action((file: string | undefined, flags: Flags) => down(file, flags, signals)),
    verb('status', 'compare the plan with the machine; exit code 1 when they differ', true)
      .option('--json', 'print JSON')
      .action(status),
    verb('unit', 'print a systemd unit, or write it', true)
      .option('--output <file>', 'write it there: whole, or not at all')
      .action(async (file: string, { output, logLevel }: Flags) => {
        const { tunnelUnit, writeUnit } = await import('../commands/tunnel.js');
        const log = createLogger(logLevel);
        const text = await tunnelUnit(file, ownCommand(), log);
        if (output === undefined) print(text);
        else writeUnit(output, text, log);
      }),
    verb('ike', "print the settings for the other end's IKE daemon", true)
      .option('--swanctl', 'for strongSwan (the default)')
      .addOption(new Option('--libreswan', 'for Libreswan').conflicts('swanctl'))
      .option('--with-secret', 'print the pre-shared key as well')
      .action(async (file: string, { libreswan, withSecret }: Flags) => {
        const { tunnelIke } = await import('../commands/tunnel/ike-text.js');
        const daemon = libreswan === true ? 'libreswan' : 'swanctl';
        print(tunnelIke(file, { daemon, secret: withSecret === true }));
      }),
    verb('peer', 'print the configuration of the other router, for tunnels of type l2tp', true)
      .addOption(new WordOption('--router <router>', 'what it is', PEER_ROUTERS).default('linux'))
      .option('--with-secret', 'print the cookies as well')
      .action(async (file: string, { router = 'linux', withSecret, logLevel }: Flags) => {
        const { tunnelPeer } = await import('../commands/tunnel/peer-text.js');
        print(await tunnelPeer(file, { router, secret: withSecret === true }, createLogger(logLevel)));
      }),
    verb(
      'keys',
      'write a new file of keys or cookies, or a pre-shared key, for both ends, where the file says',
      true,
    ).action(async (file: string) => {
      const { tunnelKeys } = await import('../commands/tunnel.js');
      process.stderr.write(`clear-df: wrote ${tunnelKeys(file)}; copy it to the other end, readable by root only\n`);
    }),
  ];
  for (const each of verbs) tunnel.addCommand(each);
  return tunnel;
}

function verb(name: string, description: string, needsFile: boolean): Command {
  return addLogOptions(new Command(name))
    .description(description)
    .argument(needsFile ? '<file>' : '[file]', "the site's YAML file");
}

async function up(file: string, { setupOnly, dryRun, engine, logLevel }: Flags, watched?: SignalWatch): Promise<void> {
  const signals = watched ?? watchSignals();
  try {
    const { tunnelUp } = await import('../commands/tunnel/up.js');
    const chosen = { engine, setupOnly: setupOnly === true, dryRun: dryRun === true };
    await tunnelUp(
      { file, ...chosen, logLevel },
      { version: version(), own: ownCommand(), log: createLogger(logLevel), signals },
    );
  } finally {
    if (watched === undefined) signals.dispose();
  }
}

async function down(
  file: string | undefined,
  { name, force, dryRun, logLevel }: Flags,
  watched?: SignalWatch,
): Promise<void> {
  const ofFile = file === undefined ? undefined : (await import('../commands/tunnel.js')).tunnelName(file);
  if (name !== undefined && ofFile !== undefined && name !== ofFile) {
    throw usageError(
      '--name',
      name,
      `${ofFile}, which is the name in ${file}`,
      'give the file or --name, one of the two',
    );
  }
  const wanted = name ?? ofFile;
  if (wanted === undefined) throw missingError('FILE', "the site's file, or --name NAME");
  const { tunnelDown } = await import('../commands/tunnel/down.js');
  const chosen = { force: force === true, dryRun: dryRun === true, stop: watched?.stop };
  await tunnelDown({ name: wanted, ...chosen }, createLogger(logLevel));
}

async function status(file: string, { json, logLevel }: Flags): Promise<void> {
  const { statusCode, statusText, tunnelStatus } = await import('../commands/tunnel/status.js');
  const found = await tunnelStatus(file, createLogger(logLevel));
  print(json === true ? `${JSON.stringify(found, null, 2)}\n` : statusText(found));
  process.exitCode = statusCode(found);
}

function print(text: string): void {
  process.stdout.write(text);
}

/**
 * As a unit can start it: this Node, and clear-df by the name that it was called by. That is a link which a package
 * manager keeps in place; what it leads to may be another folder in the next version.
 */
export function ownCommand(): OwnCommand {
  if (isSingle()) return { script: process.execPath };
  return { node: process.execPath, script: path.resolve(process.argv[1] ?? 'clear-df') };
}

function checkedName(value: string): string {
  if (!isInstanceName(value)) throw usageError('--name', value, INSTANCE_NAME_FORM);
  return value;
}
