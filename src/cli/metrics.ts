/** `clear-df metrics`: what `/metrics` serves, once, for a textfile collector. */
import { Command } from 'commander';
import type { Listen } from '../report/listen.js';
import { createFastMetrics } from '../report/metrics.js';
import { type Explanation, explain } from './explain.js';
import { ask, fastPathInstead } from './ask.js';
import { fromOption } from './watching.js';

const DETAILS: Explanation = {
  text: `
For the textfile collector of node_exporter, from a timer:

  cd /var/lib/prometheus/node-exporter
  clear-df metrics > clear-df.prom.new && mv clear-df.prom.new clear-df.prom || rm -f clear-df.prom.new clear-df.prom

The last numbers of one that has ended would look like those of one that runs, so they are removed.

With no clear-df running it reads the counters of the fast path out of the kernel (as root).`,
  examples: [['clear-df metrics --from 127.0.0.1:9857', 'the counters of the run that serves them there']],
};

/** Nothing else that may answer there has this. */
const MARK = /^# TYPE clear_df_build_info gauge$/m;

/** The command, for the table of commands. */
export function metricsCommand(): Command {
  return explain(new Command('metrics'), DETAILS)
    .addOption(fromOption('where the running clear-df serves them: its --metrics'))
    .action(async ({ from }: { from: Listen }) => {
      process.stdout.write(await metricsText(from));
    });
}

/** @throws ClearDfError ENVIRONMENT when nothing answers and no fast path is attached */
async function metricsText(from: Listen): Promise<string> {
  const read = (body: string) => (MARK.test(body) ? body : undefined);
  try {
    return (await ask(from, '/metrics', read, new AbortController().signal)) ?? '';
  } catch (error) {
    return createFastMetrics(await fastPathInstead(error)).metrics();
  }
}
