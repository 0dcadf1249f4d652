/** A systemd unit that keeps a tunnel up. */
import { ikeOf } from './carriers/ike/names.js';
import { type Plan, staysInForeground } from './plan.js';

/** systemd.service(5), systemd.exec(5); `network-online.target` because a tunnel needs the path to the other end. */
interface UnitOptions {
  /** The words that start clear-df, absolute: a unit's PATH may lead to another Node, or to none. */
  command: readonly string[];
  /** Absolute path of the site file. */
  file: string;
  /** The file leaves the engine open: the unit holds the plan's fast. What a unit has to be depends on it. */
  fixed: boolean;
}

/**
 * The unit of a plan: with the queue, or a socket to hold, clear-df stays in the foreground; otherwise it only sets up
 * and takes down.
 * @returns text that ends in a newline
 */
export function unitText(plan: Plan, { command, file, fixed }: UnitOptions): string {
  const run = (...words: string[]) => [...command, 'tunnel', ...words, file].map(unitWord).join(' ');
  const up = run('up', ...(fixed ? ['--engine', plan.engine] : []));
  const foreground = staysInForeground(plan);
  const service = foreground
    ? [
        // No ExecStopPost: after a crash the tunnel stays, and small packets pass until the next start.
        `ExecStart=${up}`,
        'KillMode=mixed',
        'Restart=on-failure',
        'RestartSec=5',
      ]
    : [
        'Type=oneshot',
        'RemainAfterExit=yes',
        `ExecStart=${up}`,
        `ExecStop=${run('down')}`,
        // systemd 244 and later take it with oneshot.
        'Restart=on-failure',
        'RestartSec=5',
      ];
  // charon has to answer; the name is Debian's, and that of strongSwan's own unit.
  const before = ['network-online.target', ...(ikeOf(plan.site.carrier) === undefined ? [] : ['strongswan.service'])];
  return [
    '[Unit]',
    `Description=clear-df tunnel ${plan.site.name}`,
    `Wants=${before.join(' ')}`,
    `After=${before.join(' ')}`,
    '# The path to the other end may come up later than this unit.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    ...(fixed ? [`# engine: auto took ${plan.engine} when this was made, and another one may need another unit.`] : []),
    ...service,
    'RuntimeDirectory=clear-df',
    'RuntimeDirectoryPreserve=yes',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** A word of a command line in a unit (systemd.service(5), "Command lines"): specifiers, variables, blanks, quotes. */
function unitWord(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[^\s"'\\;]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}
