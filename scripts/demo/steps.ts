/** The steps of the demo, in order; each shows its evidence and states what it claims. */
import { Capture } from '../../test/helpers/capture.js';
import { clearDf, type Daemon, MAIN, startClearDf } from '../../test/helpers/clear-df.js';
import { nstat, rulesText } from '../../test/helpers/kernel.js';
import { CLIENT, forgetPathMtu, learntPathMtu, type Routed, SERVER } from '../../test/helpers/topology.js';
import { type Pinged, ping } from '../../test/helpers/traffic.js';
import { until } from '../../test/helpers/until.js';
import { claim, command, evidence, heading } from './story.js';

const COUNT = 3;
const PING = `ping -M do -s 1472 -c ${COUNT} ${SERVER}`;
const RULE = ['--hook', 'prerouting', '--forwarded', '--in-dev', 'eth0', '--larger-than', 'mtu', '--out-dev', 'eth1'];

function showPing(result: Pinged): void {
  command('client', PING);
  evidence(result.output.split('\n').filter(Boolean).slice(1).join('\n'));
}

/** Full-size packets with DF meet the small link. */
export async function before({ client }: Routed): Promise<void> {
  heading('Without clear-df: full-size packets with Don’t Fragment set do not fit the 1400-byte link');
  const result = await ping(client, SERVER);
  showPing(result);
  claim(result.loss === 100, `${result.loss} % loss`);
  const learnt = await learntPathMtu(client, SERVER);
  command('client', `ip route get ${SERVER}`);
  claim(
    learnt === 1400,
    `the client has learnt path MTU ${learnt ?? 'nothing'} and now refuses by itself to send more`,
  );
  await forgetPathMtu(client);
  command('client', 'ip route flush cache');
  claim((await learntPathMtu(client, SERVER)) === undefined, 'forgotten again, so that the next pings really leave');
}

/** clear-df starts and installs its rule. */
export async function start({ router }: Routed): Promise<Daemon> {
  heading('clear-df starts on the router, with its own firewall rule');
  // What it shows is the rule and the queue.
  const args = ['--install-rules', ...RULE, '--fast-path', 'off'];
  command('router', `clear-df run --queue 0 ${args.join(' ')}`);
  const daemon = await startClearDf(router, '0', args);
  const rules = (await router.exec('iptables-save')).split('\n').filter((line) => line.includes('clear-df:'));
  command('router', 'iptables-save');
  evidence(rules.join('\n') || '(no rule)');
  claim(
    rules.some((line) => line.includes('-j NFQUEUE') && line.includes('--queue-bypass')),
    'the rule is there, tagged with its owner, and lets traffic pass if nobody listens',
  );
  return daemon;
}

/** The same ping again, with a capture on the far link. */
export async function after({ client, router, server }: Routed, daemon: Daemon): Promise<void> {
  const counted = async (): Promise<Record<'cut' | 'pieces' | 'whole', number>> => {
    const [here, there] = [await nstat(router), await nstat(server)];
    return { cut: here('IpFragOKs'), pieces: here('IpFragCreates'), whole: there('IpReasmOKs') };
  };
  const then = await counted();
  heading('The same ping passes');
  const capture = await Capture.start(server, 'eth0', ['src', 'host', CLIENT, 'and', 'icmp']);
  const result = await ping(client, SERVER);
  showPing(result);
  claim(result.loss === 0, `${result.loss} % loss`);

  heading('On the 1400-byte link each packet is two fragments');
  // Each echo request is 1500 bytes: 1396 (the last multiple of 8 that fits 1400) and 124.
  await capture.finish(2 * COUNT).catch((error: unknown) => claim(false, (error as Error).message));
  const lines = await capture.lines();
  command('server', `tcpdump -nn -v -i eth0 src host ${CLIENT} and icmp`);
  evidence(lines.slice(0, 2).join('\n'));
  const heads = lines.map((line) => /id (\d+), offset (\d+), flags \[([^\]]*)\]/.exec(line));
  const pairs = heads.flatMap((head, i) => (i % 2 === 0 ? [[head, heads[i + 1]] as const] : []));
  claim(lines.length === 2 * COUNT, `${lines.length} fragments for ${COUNT} packets`);
  claim(
    lines.every((line) => !/flags \[[^\]]*DF/.test(line)),
    'Don’t Fragment is clear on every one',
  );
  claim(
    pairs.every(([first, second]) => first?.[1] === second?.[1] && Number(first?.[1]) > 0),
    `both halves of a packet share a non-zero identification: ${pairs.map(([first]) => first?.[1]).join(', ')}`,
  );

  heading('The counters agree');
  const now = await counted();
  const { totals } = await until('clear-df has counted', () => daemon.settledStats());
  const cut = now.cut - then.cut;
  const pieces = now.pieces - then.pieces;
  const whole = now.whole - then.whole;
  command('router', 'clear-df stats');
  evidence((await clearDf(router, ['stats'])).stdout.trim());
  claim(
    totals.packets === COUNT && totals.cleared === COUNT,
    `clear-df: ${totals.packets} packets, ${totals.cleared} cleared`,
  );
  claim(
    cut === COUNT && pieces === 2 * COUNT,
    `router, /proc/net/snmp: ${cut} packets fragmented (FragOKs) into ${pieces} (FragCreates)`,
  );
  claim(whole === COUNT, `server, /proc/net/snmp: ${whole} packets put together again (ReasmOKs)`);
}

/** SIGTERM: its own rules go, the others stay. */
export async function stop({ router }: Routed, daemon: Daemon, rulesBefore: string): Promise<void> {
  heading('clear-df is asked to end');
  command('router', `kill -TERM ${daemon.running.pid}`);
  const { exitCode } = await daemon.stop('SIGTERM');
  claim(exitCode === 0, `it ended with exit code ${exitCode}`);
  const rules = await rulesText(router);
  command('router', 'iptables-save');
  evidence(
    rules
      .split('\n')
      .filter((line) => line.startsWith('-A'))
      .join('\n') || '(no rules)',
  );
  claim(rules === rulesBefore, 'the firewall is as before: its own rule gone, the other one untouched');
}

/** The path of the command line that the demo runs, for the message when it is not built. */
export const REQUIRED = MAIN;
