/** What the machine can do, found by trying. */
import * as z from 'zod';
import type { Answer } from './enums.js';

export interface Abilities {
  /** `ignore-df` on a gretap. */
  ignoreDf: Answer;
  /** iptables rules that queue, with physdev. */
  bridgeQueue: Answer;
  /** A payload verdict in nft's bridge family comes through. */
  nftBridgeQueue: Answer;
  /** The kernel takes the program of the fast path, and tc can attach it. */
  fastPath: Answer;
  /** nft may clear DF in the kernel, found by its effect; asked by the doctor only. */
  nftClearsDf?: Answer | undefined;
  /** SRv6's End.DT4; asked for carrier srv6 only. */
  endDt4?: Answer | undefined;
}

const answer = z.enum(['yes', 'no', 'unknown'] satisfies Answer[]);

/** As the journal keeps it. */
export const abilities = z.object({
  ignoreDf: answer,
  bridgeQueue: answer,
  nftBridgeQueue: answer,
  // Journals of 0.1 do not know.
  fastPath: answer.default('unknown'),
  nftClearsDf: answer.optional(),
  endDt4: answer.optional(),
} satisfies Record<keyof Abilities, z.ZodType>) satisfies z.ZodType<Abilities>;
