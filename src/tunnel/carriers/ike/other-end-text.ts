/** The other end's configuration, with what a person has to do there, as one text. */
import { remotesOf } from '../../site/site.js';
import type { EspOptions } from '../carrier.js';
import { libreswanSecret, libreswanText } from './libreswan-text.js';
import { connectionName, type EspSite, type IkeSite, pairsOf, swanctlFiles } from './names.js';
import { swanctlText } from './swanctl-text.js';

export type IkeDaemon = 'swanctl' | 'libreswan';

interface TextOptions {
  daemon: IkeDaemon;
  /** Hexadecimal digits, or the word that stands for them. */
  psk: string;
}

/** A text that ends in a newline: for each other end files, each behind its name, and the commands that load them. */
export function otherEndText(here: IkeSite, options: EspOptions, { daemon, psk }: TextOptions): string {
  const print = daemon === 'swanctl' ? forSwanctl : forLibreswan;
  return remotesOf(here)
    .flatMap((remote) => pairsOf(otherEnd({ ...here, remote, moreRemotes: undefined })))
    .map((there) => print(there, options, psk))
    .join('\n');
}

function forSwanctl(there: IkeSite, options: EspOptions, psk: string): string {
  const files = swanctlFiles(there);
  const { proof } = there.carrier.ike;
  const text = swanctlText(there, options, proof.kind === 'psk' ? psk : undefined);
  const certificates = [
    `put the certificate of ${there.local} into ${files.certificate}, its private key (mode 0600) into`,
    `${files.key}, and the authority that both trust into ${files.authority}`,
  ];
  return [
    comments([
      `strongSwan on ${there.local}: ${files.configuration}, mode 0600`,
      ...(proof.kind === 'psk' ? [] : certificates),
      'then: swanctl --load-all --noprompt',
    ]),
    text,
  ].join('\n');
}

function forLibreswan(there: IkeSite, options: EspOptions, psk: string): string {
  const name = connectionName(there);
  const { proof } = there.carrier.ike;
  const secret =
    proof.kind === 'psk'
      ? [comments([`/etc/ipsec.d/${name}.secrets, mode 0600`]), libreswanSecret(there, psk)]
      : [
          comments([
            `certificate, private key and authority of ${there.local}, by this nickname, into Libreswan's database:`,
            `  openssl pkcs12 -export -name ${name} -in CERTIFICATE -inkey KEY -certfile AUTHORITY -out ${name}.p12`,
            `  ipsec import ${name}.p12`,
          ]),
          '',
        ];
  return [
    comments([`Libreswan on ${there.local}: /etc/ipsec.d/${name}.conf`]),
    libreswanText(there, options),
    ...secret,
    comments(['then:', 'ipsec rereadsecrets', `ipsec add ${name} && ipsec ondemand ${name}`]),
    '',
  ].join('\n');
}

function comments(lines: readonly string[]): string {
  return lines.map((line) => `# ${line}`).join('\n');
}

/** A site as the other end has to see it: addresses, identities and ports crosswise; all that both ends share stays. */
function otherEnd<S extends EspSite>(site: S): S {
  const { local, remote, carrier, tunnel } = site;
  const { ike } = carrier;
  const crossed = ike && { ...ike, localId: ike.remoteId, remoteId: ike.localId };
  const ports = tunnel.type === 'l2tp' ? { ...tunnel, port: tunnel.peerPort, peerPort: tunnel.port } : tunnel;
  return { ...site, local: remote, remote: local, tunnel: ports, carrier: { ...carrier, ike: crossed } };
}
