/**
 * What the units keep from clear-df, each directive by its effect: `test/helpers/confinement.py` tries it in a unit without
 * any of them, in one with that one alone, and in those of the queue and of a tunnel with their own program exchanged.
 *
 *   [router] eth1 192.168.200.1/24          its other end is in [others]
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queueUnit, tunnelTemplate } from '../../src/tunnel/unit-text.js';
import { CONFINED_QUEUE } from '../../src/tunnel/unit-confined.js';
import { Lab } from '../helpers/netns.js';
import { COMMAND, Systemd } from '../helpers/systemd.js';

const PROGRAM = '/etc/clear-df/confinement.py';
/** Lines that make clear-df a service, and would make another program none. */
const OWN = /^(Exec\w+|Type|WatchdogSec|Restart\w*|RemainAfterExit|ConditionPathExists|RuntimeDirectory\w*)=/;

const nameOf = (directive: string): string => directive.split('=')[0] as string;

/** The outcome with a directive alone, where it is not EPERM. */
const ALONE: Record<string, string> = {
  ...{ ProtectSystem: 'EROFS', PrivateTmp: 'ENOENT', PrivateDevices: 'ENOENT', PrivateMounts: 'ENOENT' },
  ...{ ProtectControlGroups: 'EROFS', ProtectHome: 'EROFS', ProtectKernelTunables: 'EROFS', UMask: 'EACCES' },
  ...{ RestrictAddressFamilies: 'EAFNOSUPPORT', SystemCallArchitectures: 'SIGSYS' },
  // Without SystemCallErrorNumber= the process is ended.
  ...{
    'SystemCallFilter=@system-service': 'SIGSYS',
    'SystemCallFilter=~@privileged': 'SIGSYS',
    'SystemCallFilter=~@aio': 'SIGSYS',
  },
};
/** Those that give back what others take, or show themselves beside them alone. */
const BESIDE = ['ReadWritePaths', 'SystemCallFilter=bpf', 'IPAddressAllow', 'ProtectProc'];
/**
 * The first says how others answer, the second is what systemd does anyway; the third, for old kernels, only a systemd with
 * CAP_SYS_RESOURCE can give.
 */
const UNTRIED = ['SystemCallErrorNumber', 'KeyringMode', 'LimitMEMLOCK'];

/** A unit's text with the program of the tries in place of its own. */
function trying(name: string, text: string): string {
  const lines = text.split('\n').filter((line) => !OWN.test(line));
  const exec = [`ExecStart=/usr/bin/python3 ${PROGRAM} ${name}`, 'Type=oneshot'];
  return lines.flatMap((line) => (line === '[Service]' ? [line, ...exec] : [line])).join('\n');
}

const directives = CONFINED_QUEUE.filter((line) => !line.startsWith('#'));
/** By its name; where that stands several times, with the first word of its value. */
const tryOf = (directive: string): string =>
  nameOf(directive) === 'SystemCallFilter' ? (directive.split(' ')[0] as string) : nameOf(directive);
const alone = directives.filter((line) => ![...BESIDE, ...UNTRIED].includes(tryOf(line)));

let lab: Lab;
let systemd: Systemd;

beforeAll(async () => {
  lab = await Lab.create();
  const [router, others] = [await lab.namespace('router'), await lab.namespace('others')];
  await lab.link(
    { at: router, dev: 'eth1', address: '192.168.200.1/24' },
    { at: others, dev: 'o1', address: '192.168.200.2/24' },
  );
  const unit = (name: string, text: string): [string, string] => [`${name}.service`, trying(name, text)];
  const units = Object.fromEntries([
    unit('nothing', '[Service]\n'),
    unit('queue', queueUnit(COMMAND)),
    unit('tunnel', tunnelTemplate(COMMAND)),
    ...alone.map((line, i) => unit(`alone-${i}`, `[Service]\n${line}\n`)),
  ]);
  systemd = await Systemd.boot(router, units, {
    'confinement.py': readFileSync('test/helpers/confinement.py', 'utf8'),
  });
  await systemd.run(
    'bash',
    '-ec',
    `touch /tmp/outside /dev/outside; mkdir /var/confinement; readlink /proc/self/ns/mnt >/var/confinement/mnt
    cp /usr/bin/id /var/confinement/; chown nobody /var/confinement/id; chmod u+s /var/confinement/id
    # mov eax, 20; int 0x80; ret
    printf '\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3' >/var/confinement/i386`,
  );
});
afterAll(() => lab[Symbol.asyncDispose]());

async function tried(name: string): Promise<Record<string, string>> {
  await systemd.systemctl('start', name);
  const said = new RegExp(`^${name} (.*)$`, 'm').exec(await systemd.log())?.[1];
  return JSON.parse(said as string) as Record<string, string>;
}

it('without them all of it works', async () => {
  const outcomes = Object.entries(await tried('nothing'));
  expect(outcomes.filter(([, outcome]) => outcome !== 'works')).toEqual([]);
});

describe('alone', () => {
  it.each(alone.map((line, i) => [line, i] as const))('%s', async (line, i) => {
    expect((await tried(`alone-${i}`))[tryOf(line)]).toBe(ALONE[tryOf(line)] ?? 'EPERM');
  });
});

/** What clear-df itself needs, and has. */
const GIVEN = { ReadWritePaths: 'works', 'SystemCallFilter=bpf': 'works', IPAddressAllow: 'works' };

it.each([
  ['queue', {}],
  [
    'tunnel',
    // Another end than the loopback's is what it is for; its files may be anywhere, and who else runs is read off /proc.
    { ProtectHome: 'EROFS', ProtectKernelModules: 'EPERM', ProtectProc: 'works', IPAddressDeny: 'works' },
  ],
])('the unit of a %s keeps all of it away, and what is needed there', async (name, besides) => {
  const outcomes = await tried(name);
  const wanted = Object.fromEntries(
    directives
      .map(tryOf)
      .filter((one) => !UNTRIED.includes(one))
      .map((one) => [one, ALONE[one] ?? 'EPERM']),
  );
  const filters = ['@system-service', '~@privileged', '~@aio'];
  const filtered = Object.fromEntries(filters.map((filter) => [`SystemCallFilter=${filter}`, 'EPERM']));
  expect(outcomes).toEqual({
    ...wanted,
    ...filtered,
    ProtectProc: 'ENOENT',
    ProtectHome: 'EACCES',
    ...GIVEN,
    ...besides,
  });
});
