/**
 * A second run that comes and goes beside the long one, in the middle of a flood that does not fit the link: killed,
 * started again, ended by TERM. Its last line has to account for every packet that came while it lived.
 */
import { startClearDf } from '../../test/helpers/clear-df.js';
import { accountedAfter, lastWord } from '../../test/helpers/ledger.js';
import { startFlood } from '../../test/helpers/traffic.js';
import { settled, until } from '../../test/helpers/until.js';
import { RunLog } from './log.js';
import { passed, ROUTED } from './network.js';
import { end, type World } from './world.js';

const ARGS = [
  ...['--name', 'visitor', '--install-rules', '--forwarded', '--in-dev', 'lan', '--larger-than', 'mtu'],
  ...['--out-dev', 'wan', '--metrics', '127.0.0.1:9858', '--backend', 'iptables-nft'],
];

interface Visit {
  /** What does not add up. */
  wrong: string[];
  /** Lines of its log that nobody has expected. */
  unexplained: string[];
  came: number;
  cleared: number;
}

export async function visit({ net }: World): Promise<Visit> {
  const { client, router } = net;
  const start = () => startClearDf(router, '4', ARGS, { port: 9858 });
  const killed = await start();
  killed.running.kill('SIGKILL');
  await killed.running.wait();

  const before = await passed(router);
  const flood = await startFlood(client, { destination: ROUTED, length: 1500 });
  const daemon = await start();
  await until('it clears', async () => (await daemon.stats()).totals.cleared > 10_000);
  const { exitCode } = await daemon.stop();
  await end(flood);
  await settled('what passes', async () => (await passed(router)).cameLarge);

  const now = await passed(router);
  const grew = (name: 'cameLarge' | 'withDfLarge' | 'withoutDfLarge'): number => now[name] - before[name];
  const last = lastWord(daemon.running);
  const wrong: string[] = [];
  if (exitCode !== 0) wrong.push(`the visitor ended with exit code ${exitCode}: ${daemon.running.stderr.slice(-500)}`);
  const wentOn = { arrived: { withDf: grew('withDfLarge'), withoutDf: grew('withoutDfLarge'), total: 0 } };
  wentOn.arrived.total = wentOn.arrived.withDf + wentOn.arrived.withoutDf;
  const accounted = accountedAfter({ ...wentOn, deviceDropped: 0, queueDropped: 0, userDropped: 0 }, last);
  const expect = (what: string, left: number, right: number): void => {
    if (left !== right) wrong.push(`the visitor's ${what}: ${left}, and not ${right}`);
  };
  expect('packets that came = went on + dropped', grew('cameLarge'), accounted);
  expect('verdicts = received', last.verdicts, last.packets);
  expect('cleared = went on without DF', last.cleared, grew('withoutDfLarge'));
  return {
    ...{ wrong, came: grew('cameLarge'), cleared: last.cleared },
    unexplained: [killed, daemon].flatMap(({ running }) =>
      new RunLog(running).judge([/packets that leave by other devices than wan match too/]),
    ),
  };
}
