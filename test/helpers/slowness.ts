/**
 * How much slower this machine is than a quiet one: the one number that everything is multiplied by with which a test
 * ends what hangs. Nothing may depend on it while all goes well: it says only how long a test believes in it.
 *
 * The runner of the tests measures it once, before the first tier, and hands it down as CLEAR_DF_SLOWNESS.
 */

/** 1 on a quiet machine, and where nobody has measured; never less. */
export const SLOWNESS = Math.max(1, Number(process.env['CLEAR_DF_SLOWNESS'] ?? 1) || 1);

/** A limit for what takes far less on a quiet machine, as long as it has to be on this one. */
export function patient(milliseconds: number): number {
  return Math.ceil(milliseconds * SLOWNESS);
}
