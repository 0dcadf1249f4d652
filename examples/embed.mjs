// Clear DF on one queue from your own program (ES module).
//
//   node examples/embed.mjs [QUEUE]
//
// Feed it, here with pings over the loopback device:
//   iptables -A OUTPUT -p icmp -j NFQUEUE --queue-num 0 --queue-bypass
//   ping -M do 127.0.0.1
import { ClearDf } from 'clear-df';

const mangler = await ClearDf.open({ queues: process.argv[2] ?? '0', identification: 'random' });
console.log(`bound queue ${mangler.range.first}`);

// Rare events only: a lost queue, a receive buffer that was full. Packets never come this way.
mangler.on('fault', ({ queue, kind, count }) => console.error(`queue ${queue}: ${kind} (${count})`));

const print = () => {
  const { packets, cleared, alreadyClear } = mangler.stats();
  console.log(`${packets} packets, ${cleared} cleared, ${alreadyClear} already clear`);
};
const timer = setInterval(print, 1000);

process.once('SIGTERM', async () => {
  clearInterval(timer);
  // Answers what is still queued; the process ends by itself after this.
  await mangler.close();
  print();
});
