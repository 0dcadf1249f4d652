/** The connection of a tunnel as strongSwan reads it: swanctl.conf(5), 5.9 and later. */
import { PROTOCOL_NUMBERS } from '../../../net/protocol.js';
import { typeOf } from '../../types/table.js';
import { hex, markText } from '../../mark.js';
import type { IkeSpec, Mark, Site } from '../../site/site.js';
import type { EspOptions } from '../carrier.js';
import { connectionName, type IkeSite, swanctlFiles } from './names.js';
import { PROPOSALS } from './proposals.js';

/** By which a file of ours is known. */
export const HEADER = '# Written by clear-df for tunnel ';

/** Seconds between questions whether the other end is still there, when nothing comes from it (RFC 7296 §2.4). */
const DPD_SECONDS = 10;
/** Seconds that an association outlives the moment of its rekeying at least: for requests that have to be sent again. */
const GRACE = 60;

/**
 * Packets. Routers with several cores put more than the usual 32 of them out of order (seen with two, on 6.1), and the
 * kernel then drops what comes late: XfrmInStateSeqError.
 */
export const REPLAY_WINDOW = 1024;

/**
 * The text of `conf.d/clear-df-NAME.conf`.
 * @param psk hexadecimal digits, or the word that stands for them; undefined with certificates
 * @param boot of which the file is: unlike all else it outlives one, and must not look as if this one had written it
 */
export function swanctlText(site: IkeSite, options: EspOptions, psk?: string, boot?: string): string {
  const name = connectionName(site);
  const { carrier, local, remote } = site;
  const { ike, cipher } = carrier;
  const [localId, remoteId] = idsOf(site, ike);
  const lines = [
    `${HEADER}${site.name}${boot === undefined ? '' : `, boot ${boot}`}; clear-df tunnel down removes it.`,
    'connections {',
    `  ${name} {`,
    '    version = 2',
    `    local_addrs = ${local}`,
    `    remote_addrs = ${remote}`,
    // ESP in UDP whether or not there is a NAT (RFC 7296 §2.23).
    ...(options.ports === undefined ? [] : ['    encap = yes']),
    `    proposals = ${PROPOSALS[cipher].swanctl.ike}`,
    '    mobike = no',
    '    # Both ends may begin at once: then there are two for a while, and neither takes the other down.',
    '    unique = never',
    `    dpd_delay = ${DPD_SECONDS}s`,
    '    local {',
    ...proofLines(ike, localId, site),
    '    }',
    '    remote {',
    ...trustLines(ike, remoteId, site),
    '    }',
    '    children {',
    ...selectorsOf(site, options).flatMap((selectors, i) => [
      `      ${name}${i === 0 ? '' : '-back'} {`,
      ...childLines(site, options, selectors).map((line) => `        ${line}`),
      '      }',
    ]),
    '    }',
    '  }',
    '}',
    ...(psk === undefined
      ? []
      : [
          'secrets {',
          `  ike-${name} {`,
          `    id-1 = ${localId}`,
          `    id-2 = ${remoteId}`,
          `    secret = 0x${psk}`,
          '  }',
          '}',
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Undefined identities are the addresses. */
export function idsOf({ local, remote }: Pick<Site, 'local' | 'remote'>, ike: IkeSpec): [string, string] {
  return [ike.localId ?? local, ike.remoteId ?? remote];
}

function proofLines({ proof }: IkeSpec, id: string, site: Site): string[] {
  if (proof.kind === 'psk') return ['      auth = psk', `      id = ${id}`];
  return ['      auth = pubkey', `      certs = ${swanctlFiles(site).certificate}`, `      id = ${id}`];
}

function trustLines({ proof }: IkeSpec, id: string, site: Site): string[] {
  if (proof.kind === 'psk') return ['      auth = psk', `      id = ${id}`];
  return ['      auth = pubkey', `      cacerts = ${swanctlFiles(site).authority}`, `      id = ${id}`];
}

/**
 * Local and remote ones of each child; by number, because names want /etc/protocols. What comes from any port to one port
 * is two: what we send, and what the other end does.
 */
function selectorsOf(site: IkeSite, { policy = {}, bothFamilies }: EspOptions): [string, string][] {
  if (policy.selector === 'any') {
    const everything = bothFamilies === true ? '0.0.0.0/0, ::/0' : '0.0.0.0/0';
    return [[everything, everything]];
  }
  const { protocol, ports, anySource = false } = typeOf(site).flow();
  const any = `dynamic[${PROTOCOL_NUMBERS[protocol]}]`;
  if (ports === undefined) return [[any, any]];
  const [local, remote] = [ports.local, ports.remote].map((port) => any.replace(']', `/${port}]`)) as [string, string];
  if (!anySource) return [[local, remote]];
  return [
    [any, remote],
    [local, any],
  ];
}

function childLines(site: IkeSite, options: EspOptions, [local, remote]: [string, string]): string[] {
  const { carrier } = site;
  const { rekey } = carrier.ike;
  const { mode, common: { ifId } = {}, policy = {}, outputMark } = options;
  const early = Math.max(1, Math.floor(rekey / 10));
  return [
    `mode = ${mode}`,
    `local_ts = ${local}`,
    `remote_ts = ${remote}`,
    `esp_proposals = ${PROPOSALS[carrier.cipher].swanctl.esp}`,
    '# A little earlier by chance, so that the two ends seldom begin at once.',
    `rekey_time = ${rekey}s`,
    `rand_time = ${early}s`,
    `life_time = ${rekey + Math.max(GRACE, early)}s`,
    `reqid = ${carrier.reqid}`,
    `replay_window = ${REPLAY_WINDOW}`,
    ...(policy.mark === undefined ? [] : markLines(policy.mark)),
    ...(ifId === undefined ? [] : [`if_id_in = ${hex(ifId)}`, `if_id_out = ${hex(ifId)}`]),
    ...(outputMark === undefined ? [] : [`set_mark_out = ${markText(outputMark)}`]),
    '# What is cut carries no DF; in tunnel mode nothing inside may bring it back.',
    'copy_df = no',
    '# From the first moment on: what the policy is for waits for ESP, and never leaves unencrypted.',
    'start_action = trap',
    'close_action = trap',
    'dpd_action = trap',
  ];
}

function markLines(mark: Mark): string[] {
  return [`mark_in = ${markText(mark)}`, `mark_out = ${markText(mark)}`];
}
