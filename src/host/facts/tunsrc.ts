/** The source of packets with segments. */
import * as z from 'zod';
import { isAbsent, type Runner } from '../exec.js';
import { readJson } from './json.js';

const COMMAND = ['-j', 'sr', 'tunsrc', 'show'];
const listing = z.array(z.object({ tunsrc: z.string() }));

/** `::` where none is set; undefined where the kernel knows no segments. */
export async function readTunsrc(runner: Runner): Promise<string | undefined> {
  try {
    return readJson(listing, await runner.query('ip', COMMAND), `ip ${COMMAND.join(' ')}`)[0]?.tunsrc;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
