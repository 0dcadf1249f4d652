/** Secrets of IKE for the article's two routers. */
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';

/** Seconds; the shortest that a site file may ask for. */
export const REKEY = 20;

export interface IkeCarrier {
  mode?: 'transport' | 'tunnel';
  cipher?: string;
  rekey?: number;
}

/** Writes a pre-shared key of its own name; returns the site file's `carrier:`. */
export async function pskCarrier({ lab }: Article, name: string, options: IkeCarrier = {}, secret = newSecret()) {
  const file = `${await lab.scratch()}/${name}.psk`;
  await lab.machine.writeFile(file, `${secret}\n`, 0o600);
  return carrier(`psk: ${file}`, options);
}

export function newSecret(): string {
  return randomBytes(24).toString('base64');
}

function carrier(proof: string, { mode = 'transport', cipher = 'aes-gcm-256', rekey = 3600 }: IkeCarrier): string {
  return `{ type: esp, mode: ${mode}, cipher: ${cipher}, ike: { ${proof}, rekey: ${rekey} } }`;
}

/** Writes an authority and a certificate for each router, known by its address; returns the two `carrier:`. */
export async function certificateCarriers({ lab }: Article, options: IkeCarrier = {}): Promise<[string, string]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cdf-pki-'));
  const scratch = await lab.scratch();
  const at = (name: string) => path.join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  const openssl = (...args: string[]) => execa('openssl', args);
  try {
    await openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=lab authority');
    const made: string[] = [];
    for (const [name, address] of [
      ['a', ROUTER_A],
      ['b', ROUTER_B],
    ] as const) {
      await openssl(
        ...['req', '-x509', ...key, '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-subj', `/CN=router ${name}`],
        ...['-addext', `subjectAltName=IP:${address}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
      );
      const files = { certificate: `${name}.pem`, key: `${name}.key`, authority: 'ca.pem' };
      for (const file of Object.values(files)) {
        await lab.machine.writeFile(
          `${scratch}/${file}`,
          await readFile(at(file)),
          file.endsWith('.key') ? 0o600 : 0o644,
        );
      }
      const proof = Object.entries(files).map(([word, file]) => `${word}: ${scratch}/${file}`);
      made.push(carrier(proof.join(', '), options));
    }
    return made as [string, string];
  } finally {
    await rm(folder, { recursive: true });
  }
}
