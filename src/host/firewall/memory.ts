/**
 * What the machine was like before the first rule of ours, kept per network namespace from the
 * process that installs to the process that removes, so that the last removal can put it back.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** Gone at the next boot, like the rules. */
const FOLDER = '/run/clear-df';

const memory = z.object({
  /** Value of bridge-nf-call-iptables; `absent` when br_netfilter was not loaded. */
  bridgeNfCallIptables: z.enum(['0', 'absent']).optional(),
  /** iptables-nft's mangle table did not exist. */
  createdMangle: z.boolean().optional(),
});
export type Memory = z.infer<typeof memory>;

/** What is remembered; nothing when there is no record or it cannot be read. */
export function recall(): Memory {
  try {
    return memory.parse(JSON.parse(readFileSync(file(), 'utf8')));
  } catch {
    return {};
  }
}

/**
 * Replaces what is remembered; an empty memory leaves no file.
 * @returns false when it could not be written, so that the last removal will not know
 */
export function remember(what: Memory): boolean {
  try {
    if (Object.values(what).every((value) => value === undefined)) {
      rmSync(file(), { force: true });
      return true;
    }
    mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
    writeFileSync(file(), `${JSON.stringify(what)}\n`, { mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

/** Two memories as one; where both know something, the first one counts. */
export function joined(first: Memory, second: Memory): Memory {
  return {
    bridgeNfCallIptables: first.bridgeNfCallIptables ?? second.bridgeNfCallIptables,
    createdMangle: first.createdMangle ?? second.createdMangle,
  };
}

function file(): string {
  // The inode names a network namespace (namespaces(7)).
  return path.join(FOLDER, `rules-${statSync('/proc/self/ns/net').ino}.json`);
}
