/** What tools print as JSON, checked before it is believed. */
import * as z from 'zod';
import { ClearDfError } from '../../errors.js';

/**
 * A list of objects, each checked alone: one in another form is left out and named, because it most often belongs to
 * another program.
 * @throws ClearDfError ENVIRONMENT that names the command whose output is no list at all
 */
export function readList<T>(schema: z.ZodType<T>, text: string, command: string): { items: T[]; odd: string[] } {
  const items: T[] = [];
  const odd: string[] = [];
  for (const one of readJson(z.array(z.unknown()), text, command)) {
    const read = schema.safeParse(one);
    if (read.success) items.push(read.data);
    else odd.push(nameOf(one));
  }
  return { items, odd };
}

/** What an object that is not understood is called, for a person to find it. */
function nameOf(one: unknown): string {
  const { ifname, dst, name } = (one ?? {}) as Record<string, unknown>;
  return JSON.stringify(ifname ?? dst ?? name ?? one).slice(0, 80);
}

/**
 * JSON as iproute2 prints it. Names of devices stand in it as they are, but for quotes: a control character ends the
 * listing of all devices otherwise, and an apostrophe gets a backslash that JSON does not know.
 */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // oxlint-disable-next-line no-control-regex -- it is these that are looked for
    const escaped = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, (char) =>
      JSON.stringify(char).slice(1, -1),
    );
    return JSON.parse(escaped.replace(/\\([\s\S])/g, (pair, char: string) => (char === "'" ? "'" : pair)));
  }
}

/** @throws ClearDfError ENVIRONMENT that names the command whose output is something else */
export function readJson<T>(schema: z.ZodType<T>, text: string, command: string): T {
  try {
    // iproute2 prints nothing at all where there is nothing to list.
    return schema.parse(parse(text.trim() === '' ? '[]' : text));
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
