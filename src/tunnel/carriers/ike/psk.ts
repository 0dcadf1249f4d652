/** The file of a pre-shared key: one line. No message ever repeats it. */
import { ClearDfError } from '../../../errors.js';
import { hexOf, randomBytes } from '../../../net/bytes.js';

/** Whoever has seen one exchange can try secrets at leisure (RFC 7296 §2.15): words that people remember do not last. */
const BYTES_MIN = 16;
const NEW_BYTES = 32;

const FORM =
  `one line of at least ${BYTES_MIN} bytes: a text, or as both daemons have it 0x and hexadecimal digits, ` +
  'or 0s and base64';

/**
 * The secret as hexadecimal digits, a form in which neither daemon sees quotes, escapes or comments.
 * @param text what stands in the file
 * @throws ClearDfError USAGE that names the file and the accepted form
 */
export function readPsk(text: string, file: string): string {
  const refuse = (reason: string): never => {
    const hint = 'write a fresh one for both ends: clear-df tunnel keys FILE';
    throw new ClearDfError({
      code: 'USAGE',
      operation: 'read',
      object: file,
      reason: `${reason}; expected ${FORM}`,
      hint,
    });
  };
  const line = text.replace(/\r?\n$/, '');
  // oxlint-disable-next-line no-control-regex -- a tab or an escape in it is a mistake
  if (/[\u0000-\u001f\u007f]/.test(line)) return refuse('it holds more than one line, or control characters');
  const hex = digitsOf(line);
  if (hex === undefined) return refuse('it begins as if it were encoded, and is not');
  if (hex.length / 2 < BYTES_MIN) return refuse(`it has ${hex.length / 2} bytes`);
  if (/^(..)\1*$/.test(hex)) return refuse('all of its bytes are the same: that is no secret');
  return hex;
}

function digitsOf(line: string): string | undefined {
  if (/^0x/i.test(line)) return /^0x(?:[\da-f]{2})+$/i.test(line) ? line.slice(2).toLowerCase() : undefined;
  if (!line.startsWith('0s')) return hexOf(new TextEncoder().encode(line));
  const base64 = line.slice(2);
  if (!/^(?:[\w+/-]{4})*(?:[\w+/-]{2}==|[\w+/-]{3}=)?$/.test(base64)) return undefined;
  return hexOf(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

/** The text of a new file. Secret. */
export function newPsk(): string {
  return `0s${btoa(String.fromCharCode(...randomBytes(NEW_BYTES)))}\n`;
}
