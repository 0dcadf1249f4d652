/** What tools print as JSON, checked before it is believed. */
import type { z } from 'zod';
import { ClearDfError } from '../../errors.js';

/** @throws ClearDfError ENVIRONMENT that names the command whose output is something else */
export function readJson<T>(schema: z.ZodType<T>, text: string, command: string): T {
  try {
    // iproute2 prints nothing at all where there is nothing to list.
    return schema.parse(JSON.parse(text.trim() === '' ? '[]' : text));
  } catch (cause) {
    throw new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'read',
      object: command,
      reason: 'its output is not the JSON that this tool has printed since 2019',
      hint: 'apt-get install iproute2 nftables',
      cause,
    });
  }
}
