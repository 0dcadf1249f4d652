/**
 * `clear-df tunnel unit`, and what the verbs say when something cannot be had or read.
 *
 *   hosts ── eth0 [router] eth1 (192.168.200.1/24) ── 192.168.200.254 ── 172.16.0.1 (the other end)
 *
 * Whether the kernel has gretap devices is no matter: a modprobe in front of the real one says that ip_gre can be
 * loaded, or that it cannot.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/errors.js';
import { MAIN } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { localMachine } from '../helpers/local-machine.js';

const NODE = localMachine.node;
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
const SITE = 'local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge: { ports: [eth0] }\nmetrics: off\n';

let lab: Lab;
let router: Namespace;
let folder: string;
let site: string;

beforeAll(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
  const others = await lab.namespace('others');
  await lab.link({ at: router, dev: 'eth0' }, { at: others, dev: 'a0' });
  await lab.link({ at: router, dev: 'eth1', address: '192.168.200.1/24' }, { at: others, dev: 'a1' });
  await router.ip('route', 'add', '172.16.0.0/24', 'via', '192.168.200.254', 'dev', 'eth1');
  const scratch = await lab.scratch();
  // Nobody looks at it as well.
  chmodSync(scratch, 0o755);
  folder = path.join(scratch, 'etc');
  mkdirSync(folder, { mode: 0o755 });
  site = written('site-a.yaml', SITE);
  for (const [name, code] of [
    ['has', 0],
    ['lacks', 1],
  ] as const) {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, 'modprobe'), `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
  }
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

function written(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** @param modules whether modprobe finds what it is asked for */
function tunnel(modules: 'has' | 'lacks', args: readonly string[], around: readonly string[] = []) {
  const PATH = `PATH=${path.join(folder, modules)}:${process.env['PATH']}`;
  return router.try('env', [PATH, ...around, NODE, MAIN, 'tunnel', ...args]);
}

describe('unit', () => {
  it('with engine: auto names the engine that works here, and starts this Node by its path', async () => {
    const output = path.join(folder, 'clear-df-site-a.service');
    const { exitCode, stdout, stderr } = await tunnel('has', ['unit', '--output', output, site]);
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 0, stdout: '' });
    const engine = /engine: auto takes (\S+) here/.exec(stderr)?.[1];
    expect(['tunnel-flag', 'bpf', 'nfqueue']).toContain(engine);
    const unit = readFileSync(output, 'utf8');
    expect(unit).toContain(`ExecStartPre=+${NODE} ${MAIN} tunnel up --setup-only --engine ${engine} ${site}\n`);
    expect(unit).toMatch(/^ExecStart=\S+ --jitless \S+ \S+ tunnel up --engine /m);
    expect(unit).toMatch(/^Wants=network-online\.target$/m);
    expect(unit).toMatch(/^After=network-online\.target$/m);
    // What it starts is accepted as it stands.
    const started = await tunnel('has', ['up', '--engine', engine ?? '', '--dry-run', site]);
    expect(started.exitCode, started.stderr).toBe(0);
    const verified = await router.try('systemd-analyze', ['--man=no', 'verify', output]);
    expect({ code: verified.exitCode, said: verified.stderr }).toEqual({ code: 0, said: '' });
  });

  it('that is refused leaves no file, nor half of one', async () => {
    const before = readdirSync(folder);
    const output = path.join(folder, 'refused.service');
    const { exitCode, stdout } = await tunnel('lacks', ['unit', '--output', output, site]);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT_CODES.ENVIRONMENT, stdout: '' });
    expect(readdirSync(folder)).toEqual(before);
  });

  it('needs root only to find the engine out', async () => {
    const denied = await tunnel('has', ['unit', site], ['setpriv', ...NOBODY]);
    expect(denied.exitCode).toBe(EXIT_CODES.PRIVILEGE);
    expect(denied.stderr).toMatch(/which engine works is found by a test[^]*run as root, or name the engine/);
    const named = written('named.yaml', `${SITE}engine: tunnel-flag\n`);
    const { exitCode, stdout, stderr } = await tunnel('has', ['unit', named], ['setpriv', ...NOBODY]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`tunnel up ${named}\n`);
  });

  it('up --engine does not contradict the file', async () => {
    const named = written('named.yaml', `${SITE}engine: bpf\n`);
    const { exitCode, stderr } = await tunnel('has', ['up', '--engine', 'nfqueue', '--dry-run', named]);
    expect(exitCode).toBe(EXIT_CODES.USAGE);
    expect(stderr).toContain(`'nfqueue' is not accepted; expected bpf, as ${named}:6 has it`);
  });
});

it.each(['plan', 'up'])('%s refuses a kernel without ip_gre, and nothing has changed', async (verb) => {
  const before = await routerText(router);
  const { exitCode, stderr } = await tunnel('lacks', [verb, site]);
  expect(stderr).toMatch(/find kernel module ip_gre: modprobe finds none of this name for kernel \d/);
  expect(exitCode).toBe(EXIT_CODES.ENVIRONMENT);
  expect(await routerText(router)).toEqual(before);
});

it('plan ends as up does where a device has the name of the tunnel, and shows it', async () => {
  await router.ip('link', 'add', 'gretap1', 'type', 'veth', 'peer', 'name', 'x9');
  try {
    const before = await routerText(router);
    const [plan, up] = [await tunnel('has', ['plan', site]), await tunnel('has', ['up', site])];
    expect(plan.stdout, plan.stderr).toMatch(/CONFLICT/);
    expect(plan.stderr).toContain('gretap gretap1: gretap1 is a veth');
    expect(plan).toMatchObject({ exitCode: EXIT_CODES.CONFLICT, stderr: up.stderr });
    expect(up.exitCode).toBe(EXIT_CODES.CONFLICT);
    expect(await routerText(router)).toEqual(before);
  } finally {
    await router.ip('link', 'delete', 'gretap1');
  }
});

it('down refuses a name that is not the file’s', async () => {
  const { exitCode, stderr } = await tunnel('has', ['down', site, '--name', 'site-b']);
  expect(exitCode).toBe(EXIT_CODES.USAGE);
  expect(stderr).toContain("--name: 'site-b' is not accepted; expected site-a, which is the name in");
  expect((await tunnel('has', ['down', site, '--name', 'site-a'])).exitCode).toBe(0);
});

describe('what cannot be read', () => {
  it('is unknown to status without rights, and the code says which right', async () => {
    const esp = written('esp.yaml', `${SITE}engine: nfqueue\ncarrier: { type: esp, keys: external }\n`);
    const { exitCode, stdout, stderr } = await tunnel('has', ['status', esp], ['setpriv', ...NOBODY]);
    expect(exitCode, stderr).toBe(EXIT_CODES.PRIVILEGE);
    expect(stdout).toMatch(/^tunnel esp, engine nfqueue: not known\n/);
    expect(stdout).toMatch(/ {2}unknown {4}who holds queue 0: .*nfnetlink_queue cannot be read/);
    expect(stdout).toMatch(/ {2}unknown {4}rules that feed it: .*CAP_NET_ADMIN/);
    expect(stdout).not.toMatch(/no rules feed it|not bound by any process/);
    // Sealing cannot be seen either: xfrm shows nothing to others than root.
    expect(stdout).toMatch(/ {2}unknown {4}.*: only root can look/);
  });

  it('is unknown to rules show when a tool does not answer', async () => {
    const broken = path.join(folder, 'broken');
    mkdirSync(broken);
    writeFileSync(path.join(broken, 'nft'), '#!/bin/sh\necho "netlink: Error: no answer" >&2\nexit 1\n', {
      mode: 0o755,
    });
    const PATH = `PATH=${broken}:${process.env['PATH']}`;
    const shown = await router.try('env', [PATH, NODE, MAIN, 'rules', 'show']);
    expect(shown.exitCode).toBe(EXIT_CODES.RUNTIME);
    expect(shown.stderr).toMatch(/rules of nft are not known/);
    expect(shown.stderr).toContain('no rules in what could be read');
  });
});
