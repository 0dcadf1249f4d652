/** Whether colour is wanted: FORCE_COLOR decides, then NO_COLOR (no-color.org), then whether a terminal reads along. */
export function wantsColor(terminal: boolean | undefined, environment: NodeJS.ProcessEnv = process.env): boolean {
  const { FORCE_COLOR: force, NO_COLOR: none = '', TERM: term } = environment;
  if (force !== undefined) return !['0', 'false'].includes(force);
  return terminal === true && none === '' && term !== 'dumb';
}
