/** What charon has loaded and with whom it is in touch, asked by swanctl; secrets become digests at once. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import { sealing } from '../../tunnel/carriers/ike/judge.js';
import { type ConnectedSite, connectionName, ikeFiles, ikeOf, pairsOf } from '../../tunnel/carriers/ike/names.js';
import { HEADER } from '../../tunnel/carriers/ike/swanctl-text.js';
import type { FileFact, IkeAssociation, IkeFacts } from '../../tunnel/facts.js';
import type { Site } from '../../tunnel/site/site.js';
import { NoAnswerError, type Runner } from '../exec.js';
import { refuseShortage } from '../shortage.js';
import { bootId } from '../tunnel/paths.js';

/**
 * Undefined where the site does not have its keys from IKE.
 * @param counted how far attempts have come as well, for people: one more question for each other end without keys
 * @throws ClearDfError when swanctl was killed or did not answer: that says nothing about charon
 */
export async function readIke(
  runner: Runner,
  site: ConnectedSite | undefined,
  counted: boolean,
): Promise<IkeFacts | undefined> {
  if (site === undefined || ikeOf(site.carrier) === undefined) return undefined;
  const files = new Map(ikeFiles(site).flatMap((file) => fileFact(file)));
  const nothing = { connections: [], associations: [], messages: new Map(), files, boot: bootId() };
  try {
    const [connections, associations] = await Promise.all([
      runner.query('swanctl', ['--list-conns', '--pretty']),
      runner.query('swanctl', ['--list-sas', '--pretty']),
    ]);
    const found = {
      ...nothing,
      connections: parseConnections(connections),
      associations: parseAssociations(associations),
    };
    const facts: IkeFacts = { silent: undefined, ...found };
    const open = counted ? pairsOf(site).filter((pair) => sealing(pair, facts) === undefined) : [];
    const messages = await Promise.all(
      open.map(async (pair) => [connectionName(pair), await readMessages(runner, pair)] as const),
    );
    return { ...facts, messages: new Map(messages) };
  } catch (error) {
    if (!(error instanceof ClearDfError) || error instanceof NoAnswerError) throw error;
    return { silent: silence(error), ...nothing };
  }
}

function silence({ errno, reason, code, hint }: ClearDfError): IkeFacts['silent'] {
  if (errno === 'ENOENT') return { reason: "strongSwan's swanctl is not installed", hint };
  if (code === 'PRIVILEGE') return { reason: `charon cannot be queried: ${reason}`, hint };
  const why = reason.split('; ')[0] ?? reason;
  return { reason: `charon does not answer: ${why}`, hint: 'systemctl start strongswan' };
}

/** Of the plugin counters, which may not be loaded. */
async function readMessages(runner: Runner, site: Pick<Site, 'name'>): Promise<Map<string, number>> {
  try {
    return parseMessages(await runner.query('swanctl', ['--counters', '--name', connectionName(site)]));
  } catch (error) {
    if (error instanceof ClearDfError && !(error instanceof NoAnswerError)) return new Map();
    throw error;
  }
}

function fileFact(file: string): [string, FileFact][] {
  try {
    const text = readFileSync(file);
    const digest = createHash('sha256').update(text).digest('hex');
    return [[file, { digest, ours: text.toString('latin1').startsWith(HEADER) }]];
  } catch (error) {
    refuseShortage(error, file);
    return [];
  }
}

/** Names, out of `swanctl --list-conns --pretty`. */
export function parseConnections(text: string): string[] {
  return events(text, 'list-conn').map(([name]) => name);
}

/** Out of `swanctl --list-sas --pretty`. */
export function parseAssociations(text: string): IkeAssociation[] {
  return events(text, 'list-sa').map(([connection, association]) => ({
    connection,
    state: valueOf(association, 'state'),
    established: secondsOf(association, 'established'),
    children: Object.values(sectionOf(association, 'child-sas')).flatMap((child) =>
      typeof child === 'string' || Array.isArray(child)
        ? []
        : [
            {
              state: valueOf(child, 'state'),
              mode: valueOf(child, 'mode'),
              installed: secondsOf(child, 'install-time'),
            },
          ],
    ),
  }));
}

/** Out of `swanctl --counters`: lines `  ike-init-out-req      : 3`. */
export function parseMessages(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^\s+([a-z-]+)\s*: (\d+)$/gm)].map(([, name = '', count]) => [name, Number(count)]));
}

/** The sections inside each event of this name. */
function events(text: string, name: string): [string, ViciSection][] {
  return parsePretty(text)
    .filter((message) => message.name === `${name} event`)
    .flatMap(({ body }) => Object.entries(body))
    .filter((entry): entry is [string, ViciSection] => typeof entry[1] === 'object' && !Array.isArray(entry[1]));
}

function valueOf(section: ViciSection, key: string): string {
  const value = section[key];
  return typeof value === 'string' ? value : '';
}

function secondsOf(section: ViciSection, key: string): number | undefined {
  const value = valueOf(section, key);
  return /^\d+$/.test(value) ? Number(value) : undefined;
}

function sectionOf(section: ViciSection, key: string): ViciSection {
  const value = section[key];
  return typeof value === 'object' && !Array.isArray(value) ? value : {};
}

/** A section: values, lists of values, sections. */
interface ViciSection {
  [key: string]: string | string[] | ViciSection;
}

interface ViciMessage {
  /** `list-sa event` */
  name: string;
  body: ViciSection;
}

/** Every message of a text; lines outside of messages are left out. */
function parsePretty(text: string): ViciMessage[] {
  const messages: ViciMessage[] = [];
  const open: ViciSection[] = [];
  let list: string[] | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const inside = open.at(-1);
    if (list !== undefined) {
      if (line === ']') list = undefined;
      else list.push(line);
    } else if (line === '}') {
      open.pop();
    } else if (line.endsWith(' {')) {
      const body: ViciSection = {};
      const name = line.slice(0, -2);
      if (inside === undefined) messages.push({ name, body });
      else inside[name] = body;
      open.push(body);
    } else if (inside !== undefined) {
      const [, key = '', value = ''] = /^(\S+) = ?(.*)$/.exec(line) ?? [];
      if (value === '[') inside[key] = list = [];
      else if (key !== '') inside[key] = value;
    }
  }
  return messages;
}
