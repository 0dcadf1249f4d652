// Clear DF on one queue from your own program (CommonJS).
//
//   node examples/embed.cjs [QUEUE]
const { ClearDf } = require('clear-df');

async function main() {
  const mangler = await ClearDf.open({ queues: process.argv[2] ?? '0' });
  console.log(`bound queue ${mangler.range.first}`);

  // A setting that is best effort may be refused by an old kernel; it says so instead of failing.
  for (const { setting, refused } of mangler.settings) {
    if (refused !== undefined) console.error(`without ${setting}: ${refused}`);
  }

  const timer = setInterval(() => {
    const { packets, cleared } = mangler.stats();
    console.log(`${packets} packets, ${cleared} cleared`);
  }, 1000);

  process.once('SIGTERM', async () => {
    clearInterval(timer);
    await mangler.close();
    console.log('closed');
  });
}

main().catch((error) => {
  // `hint` says what to do next: a privilege, a package, a kernel module.
  console.error(error.message, error.hint ?? '');
  process.exitCode = error.exitCode ?? 1;
});
