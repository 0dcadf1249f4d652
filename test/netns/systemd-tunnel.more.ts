/**
 * clear-df-tunnel@.service under Debian's systemd as pid 1 of router A's namespace: set up with all rights, then confined.
 * `test/helpers/mesh.ts` draws the network; a VXLAN of sites A and B.
 */
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { tunnelTemplate } from '../../src/tunnel/unit-text.js';
import { hostOf, mesh, meshEnd, routerOf } from '../helpers/mesh.js';
import { routerText } from '../helpers/router-text.js';
import { COMMAND, Systemd } from '../helpers/systemd.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const UNIT = 'clear-df-tunnel@mesh-A';
const FILE = '/etc/clear-df/mesh-A.yaml';

it('a tunnel by name follows it, confined as it is', async () => {
  const net = await mesh();
  await using _lab = net.lab;
  const { r } = net;
  const near = await meshEnd(net, 'A', { local: 'auto', remotes: ['far.test'] });
  const before = await routerText(r.A);
  const systemd = await Systemd.boot(
    r.A,
    { 'clear-df-tunnel@.service': tunnelTemplate(COMMAND) },
    { 'mesh-A.yaml': readFileSync(near.file, 'utf8') },
  );
  // In place: the unit has the file mounted.
  const named = (address: string) => systemd.run('bash', '-c', `echo "${address} far.test" > /etc/hosts`);
  await named(routerOf('B'));
  await systemd.systemctl('start', UNIT);
  expect(await systemd.property(UNIT, 'SubState')).toBe('running');
  await named('192.168.200.22');
  await until(
    'it follows',
    async () => (await systemd.log()).includes('is up from 192.168.200.1 to 192.168.200.22'),
    90_000,
  );
  expect(await r.A.exec('bridge', ['fdb', 'show', 'dev', 'vxlan1'])).toMatch(/dst 192\.168\.200\.22/);
  await systemd.systemctl('stop', UNIT);
  expect(await systemd.property(UNIT, 'Result')).toBe('success');
  expect(await routerText(r.A)).toEqual(before);
});

describe.each(['nfqueue', 'bpf'])('a tunnel with engine %s', (engine) => {
  it('starts, is started again, reloads, and is taken down', async () => {
    const net = await mesh();
    await using _lab = net.lab;
    const { h, r } = net;
    const near = await meshEnd(net, 'A', { engine, remotes: [routerOf('B')] });
    const far = await meshEnd(net, 'B', { engine: 'bpf', remotes: [routerOf('A')] });
    const before = await routerText(r.A);
    await far.up();
    const systemd = await Systemd.boot(
      r.A,
      { 'clear-df-tunnel@.service': tunnelTemplate(COMMAND) },
      { 'mesh-A.yaml': readFileSync(near.file, 'utf8') },
    );
    const carries = async (when: string) =>
      expect(await ping(h.A, hostOf('B')), when).toMatchObject({ sent: 3, received: 3 });
    const inSync = async () => {
      const status = await systemd.run(...Object.values(COMMAND), 'tunnel', 'status', FILE);
      expect(status.exitCode, status.stdout + status.stderr).toBe(0);
    };

    await systemd.systemctl('start', UNIT);
    await carries('when it has started');
    await inSync();
    const stays = engine === 'nfqueue';
    expect(await systemd.property(UNIT, 'SubState')).toBe(stays ? 'running' : 'exited');
    if (stays) {
      await systemd.survives(UNIT, 'KILL');
      await carries('after SIGKILL');
      await systemd.survives(UNIT, 'STOP');
      await carries('after SIGSTOP');
      await systemd.systemctl('reload', UNIT);
      await until('it has heard HUP', async () => /HUP|read again/.test(await systemd.log()));
      await carries('after a reload');
    }
    // What a firewall's reload takes, the next start puts back.
    await r.A.exec('nft', ['flush', 'ruleset']);
    await systemd.systemctl('restart', UNIT);
    await carries('after a restart');
    await inSync();

    await systemd.systemctl('stop', UNIT);
    expect(await systemd.property(UNIT, 'Result')).toBe('success');
    if (stays) {
      const down = await systemd.run(...Object.values(COMMAND), 'tunnel', 'down', FILE);
      expect(down.exitCode, down.stderr).toBe(0);
    }
    expect(await routerText(r.A)).toEqual(before);
    expect((await systemd.log()).split('\n').filter((line) => /error|EPERM|EROFS|EACCES/i.test(line))).toEqual([]);
    await far.down();
  });
});
