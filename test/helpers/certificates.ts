/** Certificates for daemons of the lab. */
import type { Namespace } from './netns.js';

export interface Certificate {
  /** Files. */
  certificate: string;
  key: string;
  /** SHA-256 of the certificate: `6E:79:…`. */
  fingerprint: string;
}

/** A certificate that vouches for itself, in the lab's scratch folder. */
export async function selfSigned(at: Namespace, name: string): Promise<Certificate> {
  const folder = await at.lab.scratch();
  const [certificate, key] = [`${folder}/${name}.pem`, `${folder}/${name}.key`];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  await at.exec('openssl', ['req', ...kind, '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate]);
  const shown = await at.exec('openssl', ['x509', '-in', certificate, '-noout', '-fingerprint', '-sha256']);
  return { certificate, key, fingerprint: shown.replace(/^.*=/, '') };
}
