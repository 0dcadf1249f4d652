/**
 * What the machine was like before the first rule of ours, kept per network namespace from the
 * process that installs to the process that removes, so that the last removal can put it back.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { readState, STATE_FOLDER, writeState } from '../state.js';
import { home, homeHere, isHere, namespaceInode } from '../tunnel/paths.js';

const savedState = z.object({
  /** Value of bridge-nf-call-iptables; `absent` when br_netfilter was not loaded. */
  bridgeNfCallIptables: z.enum(['0', 'absent']).optional(),
  /** iptables-nft's mangle table did not exist. */
  createdMangle: z.boolean().optional(),
});
export type SavedState = z.infer<typeof savedState>;

/** Files of earlier versions do not say where they were written. */
const record = savedState.extend({ ...home, boot: home.boot.optional() });

/**
 * What is remembered; nothing when there is no record of this network namespace, or one of another version.
 * @throws ClearDfError as `readState`: then it is not known
 */
export function readSaved(): SavedState {
  const text = readState(file());
  try {
    if (text === undefined) return {};
    const { boot, namespace, ...known } = record.parse(JSON.parse(text));
    return boot !== undefined && isHere({ boot, namespace }) === 'no' ? {} : known;
  } catch {
    return {};
  }
}

/**
 * Replaces what is remembered; an empty memory leaves no file.
 * @throws ClearDfError as `writeState`: then the last removal will not know
 */
export function writeSaved(what: SavedState): void {
  const known = Object.values(what).some((value) => value !== undefined);
  if (known) writeState(file(), `${JSON.stringify({ ...homeHere(), ...what })}\n`);
  else if (readState(file()) !== undefined) rmSync(file(), { force: true });
}

/** Two memories as one; where both know something, the first one counts. */
export function joined(first: SavedState, second: SavedState): SavedState {
  return {
    bridgeNfCallIptables: first.bridgeNfCallIptables ?? second.bridgeNfCallIptables,
    createdMangle: first.createdMangle ?? second.createdMangle,
  };
}

function file(): string {
  return path.join(STATE_FOLDER, `rules-${namespaceInode()}.json`);
}
