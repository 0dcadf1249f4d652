/** What is to be done whole, although somebody wants the process to end. */

const ENDING = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Does `work`, which does not wait for anything; a signal that would end the process half-way changes nothing. */
export function undisturbed<T>(work: () => T): T {
  const deaf = () => undefined;
  for (const signal of ENDING) process.on(signal, deaf);
  try {
    return work();
  } finally {
    for (const signal of ENDING) process.off(signal, deaf);
  }
}
