/** IKE by strongSwan: its files are there, and charon has read them. */
import { sha256 } from '../../../net/sha256.js';
import type { Facts, IkeFacts } from '../../facts.js';
import type { Command, Item, ItemStatus } from '../../item.js';
import type { EspKeying, IkeSpec, Site } from '../../site/site.js';
import type { EspOptions } from '../carrier.js';
import { typeOf } from '../../types/table.js';
import { connectionName, type IkeSite, pairsOf, swanctlFiles } from './names.js';
import { swanctlText } from './swanctl-text.js';

/** Stands for the secret wherever people can see it. */
export const PSK_WORD = '<the-pre-shared-key-as-hexadecimal-digits>';

const LOAD: Command = { argv: ['swanctl', '--load-all', '--noprompt'] };

/** A file of strongSwan's: copied from another, or written. */
interface WantedFile {
  name: string;
  digest(facts: IkeFacts): string | undefined;
  command(facts: IkeFacts | undefined): Command;
}

/**
 * One item for each other end: the files alone are nothing, and charon loads and unloads all files at once.
 * @param psk hexadecimal digits; without it, where the file asks for one, there is no item
 */
export function ikeItems(spec: EspKeying, site: Site, psk: string | undefined, options: EspOptions): Item[] {
  const { ike } = spec;
  if (ike === undefined || (ike.proof.kind === 'psk' && psk === undefined)) return [];
  return pairsOf(site).map((pair) => ikeItem(ike, pair, psk, options));
}

function ikeItem(ike: IkeSpec, site: Site, psk: string | undefined, options: EspOptions): Item {
  const text = (secret: string | undefined, boot?: string) => swanctlText(site as IkeSite, options, secret, boot);
  const files = [...copies(site, ike), configuration(site, psk, text)];
  const name = connectionName(site);
  const remove: Command[] = [
    { argv: ['rm', '-f', ...files.map((file) => file.name)] },
    { ...LOAD, mayFail: true },
    // Unloading takes policies away and leaves associations to their end.
    { argv: ['swanctl', '--terminate', '--ike', name, '--force'], mayFail: true },
  ];
  return {
    kind: 'ike',
    key: `ike ${name}`,
    desired: `charon has the connection ${name}: ${typeOf(site).flow().name} to ${site.remote} is ESP with keys from IKE, ${options.mode} mode`,
    reason:
      'strongSwan negotiates and renews the keys; its policies are installed before the tunnel, so that no frame leaves unencrypted',
    status: ({ ike: facts }: Facts) => statusOf(files, name, facts),
    apply: ({ ike: facts }) => [...files.map((file) => file.command(facts)), LOAD],
    undo: () => remove,
  };
}

function statusOf(files: readonly WantedFile[], name: string, facts: IkeFacts | undefined): ItemStatus {
  if (facts === undefined) return { state: 'differs', observed: 'charon was not queried' };
  for (const wanted of files) {
    const { name: file } = wanted;
    const found = facts.files.get(file);
    if (found === undefined) return { state: 'differs', observed: `${file} is not there` };
    if (found.digest === wanted.digest(facts)) continue;
    const words = `${file} differs, or is of an earlier boot`;
    const strange = file.endsWith('.conf') && !found.ours;
    return strange
      ? {
          state: 'conflict',
          observed: `${words}, and clear-df has not written it`,
          hint: 'move the file, or give the site another name',
        }
      : { state: 'differs', observed: words };
  }
  if (facts.silent !== undefined) return { state: 'differs', observed: facts.silent.reason };
  return facts.connections.includes(name)
    ? { state: 'in-sync' }
    : { state: 'differs', observed: 'charon has not loaded it' };
}

function copies(site: Site, { proof }: IkeSpec): WantedFile[] {
  if (proof.kind === 'psk') return [];
  const files = swanctlFiles(site);
  return (['certificate', 'authority', 'key'] as const).map((part) => ({
    name: files[part],
    digest: (facts) => facts.files.get(proof[part])?.digest,
    command: () => ({ argv: ['install', '-m', part === 'key' ? '0600' : '0644', proof[part], files[part]] }),
  }));
}

function configuration(
  site: Site,
  psk: string | undefined,
  text: (secret: string | undefined, boot?: string) => string,
): WantedFile {
  const { configuration: name } = swanctlFiles(site);
  return {
    name,
    digest: ({ boot }) => sha256(text(psk, boot)),
    command(facts) {
      const boot = facts?.boot;
      const argv = ['install', '-m', '0600', '/dev/stdin', name];
      const secret = psk === undefined ? {} : { shown: text(PSK_WORD, boot) };
      return { argv, input: text(psk, boot), ...secret };
    },
  };
}
