/** Units for systemd: of one tunnel, of any tunnel in /etc/clear-df, and of the queue alone. */
import { ikeOf } from './carriers/ike/names.js';
import { type Plan, staysInForeground } from './plan.js';
import { CONFINED_NODE, CONFINED_QUEUE, CONFINED_SINGLE, CONFINED_TUNNEL } from './unit-confined.js';

/** The words that start clear-df, absolute: a unit's PATH may lead to another Node, or to none. */
export interface OwnCommand {
  /** Undefined where clear-df is one file that needs none. */
  node?: string | undefined;
  script: string;
}

function plainWords({ node, script }: OwnCommand): string[] {
  return node === undefined ? [script] : [node, script];
}

function confinedWords({ node, script }: OwnCommand): string[] {
  return node === undefined ? [...CONFINED_SINGLE, script] : [node, ...CONFINED_NODE, script];
}

interface UnitOptions {
  command: OwnCommand;
  /** Absolute path of the site file. */
  file: string;
  /** The file leaves the engine open: the unit holds the plan's fast. */
  fixed: boolean;
}

/** Seconds without a sign of life after which systemd starts it anew. */
const WATCHDOG = 30;
/** The name is Debian's, and that of strongSwan's own unit; where there is none systemd passes it over. */
const CHARON = 'strongswan.service';
/** Of programs that need names: waited for, never asked for (systemd.special(7)). */
const RESOLVER = 'nss-lookup.target';

/**
 * The unit of a plan: with the queue, or a socket to hold, a process stays; otherwise it only sets up and takes down.
 * @returns text that ends in a newline
 */
export function unitText(plan: Plan, { command, file, fixed }: UnitOptions): string {
  const engine = fixed ? ['--engine', plan.engine] : [];
  const stays = staysInForeground(plan);
  return tunnelUnit({
    description: `clear-df tunnel ${plan.site.name}`,
    // charon has to answer.
    wants: ikeOf(plan.site.carrier) === undefined ? [] : [CHARON],
    after: plan.site.lookedUp === undefined ? [] : [RESOLVER],
    notes: fixed ? [`# engine: auto took ${plan.engine} when this was made.`] : [],
    setUp: unitWords([...plainWords(command), 'tunnel', 'up', '--setup-only', ...engine, file]),
    up: unitWords([...confinedWords(command), 'tunnel', 'up', ...engine, file]),
    // Where a process stays: after its end small packets still pass, until the next start.
    ...(stays ? {} : { down: unitWords([...plainWords(command), 'tunnel', 'down', file]) }),
  });
}

/** `clear-df-tunnel@.service`: `clear-df-tunnel@NAME` has the tunnel of /etc/clear-df/NAME.yaml. */
export function tunnelTemplate(command: OwnCommand): string {
  const [plain, confined] = [unitWords(plainWords(command)), unitWords(confinedWords(command))];
  const file = '/etc/clear-df/%i.yaml';
  return tunnelUnit({
    description: 'clear-df tunnel %i',
    // Which tunnel it is is not known: charon is waited for, and not started for one that has nothing to do with it.
    wants: [],
    after: [CHARON, RESOLVER],
    condition: file,
    notes: [],
    setUp: `${plain} tunnel up --setup-only ${file}`,
    up: `${confined} tunnel up ${file}`,
    down: `${plain} tunnel down ${file}`,
  });
}

/** `clear-df.service`: the queue, as a file of options has it. */
export function queueUnit(command: OwnCommand, file = '/etc/clear-df/clear-df.yaml'): string {
  return lines(
    '[Unit]',
    'Description=clear-df',
    'Documentation=man:clear-df-run(1) man:clear-df.yaml(5)',
    'Wants=network-online.target',
    'After=network-online.target',
    `ConditionPathExists=${file}`,
    '# The tunnel may come up later than this does.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    `ExecStart=${unitWords([...confinedWords(command), 'run', '--config', file])}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    '# A restart, as by an upgrade: the fast path goes on clearing meanwhile.',
    'RestartKillSignal=SIGUSR2',
    ...SERVICE,
    ...CONFINED_QUEUE,
    ...INSTALL,
  );
}

const SERVICE = [
  'Type=notify',
  `WatchdogSec=${WATCHDOG}`,
  'KillMode=mixed',
  'Restart=on-failure',
  'RestartSec=5',
  'RuntimeDirectory=clear-df',
  'RuntimeDirectoryPreserve=yes',
];

const INSTALL = ['', '[Install]', 'WantedBy=multi-user.target'];

/** HUP, where a process stays. Where none does, an edited file is applied while the tunnel stays up. */
const HUP = '/bin/kill -HUP $MAINPID';

interface TunnelUnit {
  description: string;
  /** Units that are started with it, and before it. */
  wants: readonly string[];
  /** Units that it waits for where they are started. */
  after: readonly string[];
  condition?: string;
  notes: readonly string[];
  setUp: string;
  up: string;
  down?: string;
}

function tunnelUnit({ description, wants, after, condition, notes, setUp, up, down }: TunnelUnit): string {
  const wanted = ['network-online.target', ...wants];
  return lines(
    '[Unit]',
    `Description=${description}`,
    'Documentation=man:clear-df-tunnel(1) man:clear-df-site(5)',
    `Wants=${wanted.join(' ')}`,
    `After=${[...wanted, ...after].join(' ')}`,
    ...(condition === undefined ? [] : [`ConditionPathExists=${condition}`]),
    '# The path to the other end may come up later than this unit.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    ...notes,
    '# Modules, sysctls and devices are set up with all rights (+); what then stays is confined.',
    `ExecStartPre=+${setUp}`,
    `ExecStart=${up}`,
    ...(down === undefined
      ? []
      : ['# Where no process has to stay, none does.', 'RemainAfterExit=yes', `ExecStop=+${down}`]),
    ...(down === undefined ? [`ExecReload=${HUP}`] : [`ExecReload=+${setUp}`, `ExecReload=-${HUP}`]),
    ...SERVICE,
    'TimeoutStartSec=300',
    ...CONFINED_TUNNEL,
    ...INSTALL,
  );
}

function lines(...all: string[]): string {
  return `${all.join('\n')}\n`;
}

function unitWords(words: readonly string[]): string {
  return words.map(unitWord).join(' ');
}

/** A word of a command line in a unit (systemd.service(5), "Command lines"): specifiers, variables, blanks, quotes. */
function unitWord(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[^\s"'\\;]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}
