/** What a command line without a command is given to. */
export const DEFAULT_COMMAND = 'run';
