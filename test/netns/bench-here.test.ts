/**
 * `clear-df bench --here` as shipped, on this host's kernel. It makes its own namespaces:
 *
 *   sender eth0 ─────── eth0 router eth1 ─────── eth0 sink
 *
 * `bench-here.more.ts` lets it measure everything.
 */
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { TRIALS } from '../../src/commands/bench/trials.js';
import { expectNothingLeft, killBench, namespacesOf, ONE_CORE, SHORTEST, startBench } from '../helpers/bench-here.js';
import { MAIN } from '../helpers/clear-df.js';
import { localMachine } from '../helpers/local-machine.js';
import { until } from '../helpers/until.js';

afterEach(killBench);

/** As the kernel, or `taskset`, gives them to this process. */
function needsTwoCores(context: TestContext): void {
  if (ONE_CORE) context.skip('kernel: it gives this process one core');
}

describe('clear-df bench --here', () => {
  beforeEach(needsTwoCores);

  it.each([['SIGTERM', /clear-df, DF in 0 %, 72 bytes/]] as const)(
    'ended by %s behind "%s", leaves no namespace, no process and no rule',
    expectNothingLeft,
  );

  it('refuses a second one at the same time, by its process id', async () => {
    // So long that it is still at its first trial when the second one looks.
    const first = startBench('--seconds', '10');
    const { pid } = first;
    await first.says(/loads core/);
    await until('its namespaces are there', () => namespacesOf(pid).length === 3);
    const { exitCode, stderr } = await localMachine.run([process.execPath, MAIN, ...SHORTEST]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain(`process ${pid} is measuring already`);
    await first.stop('SIGTERM');
  });
});

describe('refused before anything is changed', () => {
  it('without CAP_NET_ADMIN', async () => {
    const drop = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const { exitCode, stderr } = await localMachine.run([...drop, process.execPath, MAIN, ...SHORTEST]);
    expect(exitCode).toBe(ONE_CORE ? 4 : 3);
    expect(stderr).toMatch(ONE_CORE ? /two cores/ : /does not have CAP_NET_ADMIN \(EPERM\)\nhint: run it as root/);
  });

  it('with one core', async () => {
    const { exitCode, stderr } = await localMachine.run(['taskset', '-c', '0', process.execPath, MAIN, ...SHORTEST]);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/it takes two cores.*this process may use 1\nhint: /);
  });

  it('without --here, with words that say what it would do', async () => {
    const { exitCode, stdout, stderr } = await localMachine.run([process.execPath, MAIN, 'bench']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/keeps two cores busy[^]*clear-df bench --here --dry-run/);
  });

  it.each([
    [['--gbps', '0'], /--gbps: '0' is not accepted/],
    [['--size', '55'], /--size: '55' is not accepted; expected 56-1500, or imix/],
    [['--df', '101'], /--df: '101' is not accepted/],
    [['--seconds', '11'], /--seconds: '11' is not accepted/],
  ])('%j', async (words, message) => {
    const { exitCode, stderr } = await localMachine.run([process.execPath, MAIN, ...SHORTEST, ...words]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('under --dry-run, with the commands', async (context) => {
    needsTwoCores(context);
    const { exitCode, stdout } = await localMachine.run([process.execPath, MAIN, ...SHORTEST, '--dry-run']);
    expect(exitCode).toBe(0);
    // Three namespaces come and go; each trial is sent once; clear-df is started once.
    expect(stdout.match(/^ip netns add /gm)).toHaveLength(3);
    expect(stdout.match(/^ip netns delete /gm)).toHaveLength(3);
    expect(stdout.match(/send\.js/g)).toHaveLength(TRIALS.length);
    expect(stdout.match(/main\.js run --queue 0 /g)).toHaveLength(1);
    const [pid] = /\d+(?=-sender)/.exec(stdout) ?? [''];
    expect(namespacesOf(Number(pid))).toEqual([]);
  });
});
