/** The same connection as Libreswan reads it: ipsec.conf(5) and ipsec.secrets(5), 4.0 and later. */
import { usageError } from '../../../errors.js';
import { isIpv6 } from '../../../net/address6.js';
import { typeOf } from '../../types/table.js';
import { markText } from '../../mark.js';
import type { IkeSpec } from '../../site/site.js';
import type { EspOptions } from '../carrier.js';
import { connectionName, type IkeSite } from './names.js';
import { PROPOSALS } from './proposals.js';
import { idsOf, REPLAY_WINDOW } from './swanctl-text.js';

const HOUR = 3600;
/** Those above are Libreswan's own to give (ipsec.conf(5)); it means nothing to the other end. */
const REQID_MAX = 16_379;

/** The text of `/etc/ipsec.d/clear-df-NAME.conf`. */
export function libreswanText(site: IkeSite, options: EspOptions): string {
  const { local, remote, carrier } = site;
  const { ike, cipher } = carrier;
  const [localId, remoteId] = idsOf(site, ike);
  const { ike: ikeWords, esp } = PROPOSALS[cipher].libreswan;
  const lines = [
    `conn ${connectionName(site)}`,
    ...[`left=${local}`, `leftid=${idWord(localId)}`, `right=${remote}`, `rightid=${idWord(remoteId)}`],
    ...selectorWords(site, options),
    `type=${options.mode}`,
    'ikev2=insist',
    ...proofWords(ike, connectionName(site)),
    `ike=${ikeWords}`,
    `esp=${esp}`,
    'pfs=yes',
    `salifetime=${ike.rekey}s`,
    // By default 9 minutes before the end, and up to twice as much: more than a short life has.
    `rekeymargin=${Math.min(540, Math.max(2, Math.floor(ike.rekey / 10)))}s`,
    'rekeyfuzz=100%',
    `ikelifetime=${8 * HOUR}s`,
    ...(carrier.reqid > REQID_MAX ? [] : [`reqid=${carrier.reqid}`]),
    `replay-window=${REPLAY_WINDOW}`,
    ...markWords(options),
    ...(options.ports === undefined ? [] : ['encapsulation=yes']),
    // No DF on the outer header, whatever the inner one says.
    ...(options.mode === 'tunnel' ? ['nopmtudisc=yes'] : []),
    'dpddelay=10s',
    'dpdtimeout=60s',
    'dpdaction=hold',
    // From the first moment on: what the policy is for waits for ESP, and never leaves unencrypted.
    'auto=ondemand',
  ];
  return `${lines.map((line, i) => (i === 0 ? line : `    ${line}`)).join('\n')}\n`;
}

/** One line of `/etc/ipsec.d/clear-df-NAME.secrets`. @param psk hexadecimal digits, or the word that stands for them */
export function libreswanSecret(site: IkeSite, psk: string): string {
  const [localId, remoteId] = idsOf(site, site.carrier.ike);
  return `${idWord(localId)} ${idWord(remoteId)} : PSK 0x${psk}\n`;
}

/** Names are looked up unless they begin with `@`; addresses and `user@host` are taken as they are. */
function idWord(id: string): string {
  return /^[\d.]+$/.test(id) || isIpv6(id) || id.includes('@') ? id : `@${id}`;
}

function selectorWords(site: IkeSite, { policy = {} }: EspOptions): string[] {
  if (policy.selector === 'any') return ['leftsubnet=0.0.0.0/0', 'rightsubnet=0.0.0.0/0'];
  const { protocol, ports, anySource = false } = typeOf(site).flow();
  if (anySource) throw usageError('--libreswan', site.tunnel.type, 'a tunnel of type gretap or l2tp', 'use --swanctl');
  const words = (port: number | undefined) => (port === undefined ? protocol : `${protocol}/${port}`);
  return [`leftprotoport=${words(ports?.local)}`, `rightprotoport=${words(ports?.remote)}`];
}

/** A device that Libreswan makes itself is none of ours: the plan's has the mark or the number. */
function markWords({ policy = {}, common = {}, outputMark }: EspOptions): string[] {
  return [
    ...(policy.mark === undefined ? [] : [`mark=${markText(policy.mark)}`]),
    ...(common.ifId === undefined ? [] : [`ipsec-interface=${common.ifId}`]),
    ...(outputMark === undefined ? [] : [`mark-out=${markText(outputMark)}`]),
  ];
}

function proofWords({ proof }: IkeSpec, name: string): string[] {
  if (proof.kind === 'psk') return ['authby=secret'];
  return ['authby=rsasig', `leftcert=${name}`, 'rightca=%same'];
}
