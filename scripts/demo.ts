/**
 * The demo: a path with a 1400-byte link, in private network namespaces, before and after clear-df.
 * Exit code 0 only when every step was seen, 1 otherwise, 3 without root, 4 when not built.
 */
import { existsSync } from 'node:fs';
import { rulesText } from '../test/helpers/kernel.js';
import { CLIENT, ROUTER, routed, SERVER } from '../test/helpers/topology.js';
import { after, before, REQUIRED, start, stop } from './demo/steps.js';
import { bold, claim, conclude, heading } from './demo/story.js';

const PICTURE = `
     client ──────────── router ──────────── server
     ${CLIENT}            ${ROUTER}            ${SERVER}
              MTU 1500            MTU 1400
`;

async function demo(): Promise<boolean> {
  console.log(bold('clear-df: a path with a link that is too small'));
  console.log(PICTURE);
  const network = await routed();
  try {
    // Somebody else's rule: it has to be there, unchanged, at the end.
    const foreign = ['-m', 'comment', '--comment', 'not ours', '-j', 'ACCEPT'];
    await network.router.exec('iptables', ['-t', 'mangle', '-A', 'FORWARD', '-p', 'icmp', ...foreign]);
    const rulesBefore = await rulesText(network.router);
    await before(network);
    const daemon = await start(network);
    await after(network, daemon);
    await stop(network, daemon, rulesBefore);
  } finally {
    await network.lab[Symbol.asyncDispose]();
  }
  heading('All is removed');
  claim(network.lab.remaining().length === 0, 'the namespaces, and with them the links, are gone');
  return conclude();
}

function interruptedBy(signal: NodeJS.Signals, number: number): void {
  process.once(signal, () => {
    console.error(`\ndemo: ${signal}, cleaning up`);
    // The lab's own handler of 'exit' removes the namespaces.
    process.exit(128 + number);
  });
}

if (process.getuid?.() !== 0) {
  console.error('demo: it builds network namespaces, which needs root: run it as root, for example with sudo');
  process.exit(3);
}
if (!existsSync(REQUIRED)) {
  console.error(`demo: ${REQUIRED} is not built: run scripts/setup demo`);
  process.exit(4);
}
interruptedBy('SIGINT', 2);
interruptedBy('SIGTERM', 15);
try {
  process.exitCode = (await demo()) ? 0 : 1;
} catch (error) {
  console.error(`demo: ${(error as Error).message}`);
  process.exitCode = 1;
}
