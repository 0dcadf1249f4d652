/** Machines that clear-df is compiled for here, and that guests have. */

/** Those that binaries are shipped for. By Node's name of it: Debian's, and the prefix of its compilers. */
export const ARCHITECTURES = {
  x64: { debian: 'amd64', triple: 'x86_64-linux-gnu' },
  arm64: { debian: 'arm64', triple: 'aarch64-linux-gnu' },
} as const;

export type Architecture = keyof typeof ARCHITECTURES;

/** All: with those that whoever wants them builds. */
export const TARGETS = { ...ARCHITECTURES, s390x: { debian: 's390x', triple: 's390x-linux-gnu' } } as const;

export type Target = keyof typeof TARGETS;

/** What is of the architecture that is the rule bears no name of it. */
export function named(what: string, architecture: Architecture): string {
  return architecture === 'x64' ? what : `${what}-${architecture}`;
}
