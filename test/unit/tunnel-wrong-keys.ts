/** Site files whose key file is wrong: `up` refuses them before it changes anything. */
import { HEAD, type WrongSite } from './tunnel-wrong-sites.js';

const KEYED = `${HEAD}carrier:\n  type: esp\n  keys: site.keys\n`;

/** With a key file that `readKeyFile` refuses; the file's path follows the key in the message. */
export const WRONG_KEY_FILES: readonly WrongSite[] = [
  {
    title: 'the key file can be read by others',
    text: KEYED,
    keyFile: { name: 'site.keys', text: '# keys\n', mode: 0o644 },
    ...{ line: 7, key: 'carrier.keys', code: 'USAGE', words: ['site.keys', 'its mode is 0644', 'chmod 600'] },
  },
  {
    title: 'the key file is not there',
    text: KEYED,
    ...{ line: 7, key: 'carrier.keys', code: 'USAGE', words: ['site.keys', 'there is no such file', 'ENOENT'] },
  },
];
