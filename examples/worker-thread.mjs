// Several instances in one process, each inside a worker thread of its own.
//
//   node examples/worker-thread.mjs [QUEUE QUEUE…]
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ClearDf } from 'clear-df';

if (isMainThread) {
  const queues = process.argv.length > 2 ? process.argv.slice(2) : ['0', '1'];
  const workers = queues.map((queue) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: queue });
    worker.on('message', (line) => console.log(line));
    worker.on('error', (error) => {
      console.error(`queue ${queue}: ${error.message}`);
      process.exitCode = 1;
    });
    return worker;
  });
  process.once('SIGTERM', () => {
    for (const worker of workers) worker.postMessage('close');
  });
} else {
  const mangler = await ClearDf.open({ queues: workerData });
  const say = (what) => parentPort.postMessage(`queue ${workerData}: ${what}`);
  say('bound');

  const timer = setInterval(() => {
    const { packets, cleared } = mangler.stats();
    say(`${packets} packets, ${cleared} cleared`);
  }, 1000);

  parentPort.once('message', async () => {
    clearInterval(timer);
    await mangler.close();
    say('closed');
  });
}
