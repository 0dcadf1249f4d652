/** What `clear-df setup` asks: each answer is also a flag, and what the machine suggests stands in brackets. Pure. */
import { INSTANCE_NAME_FORM, isInstanceName } from '../../rules/spec.js';
import { IPV4_HOST_FORM, readIpv4Host } from '../../net/address.js';
import { isDeviceName } from '../../net/device.js';
import type { Link } from '../../tunnel/facts.js';

export const PURPOSES = ['bridge', 'path', 'tunnel'] as const;
export const CARRIERS = ['plain', 'ike', 'keys'] as const;
export const YES_NO = ['yes', 'no'] as const;

/** By flag; one that is not asked has none. */
export type Answers = Partial<Record<AnswerName, string>>;

export type AnswerName =
  | 'purpose'
  | 'name'
  | 'remote'
  | 'underlay'
  | 'local'
  | 'port'
  | 'move-addresses'
  | 'carrier'
  | 'in-dev'
  | 'out-dev'
  | 'queue'
  | 'unit';

/** What the suggestions rest on. */
export interface View {
  links: readonly Link[];
  /** Devices that a default route leaves by. */
  uplinks: readonly string[];
  /** The first queue that nobody holds. */
  freeQueue: number;
  /** systemd runs here. */
  systemd: boolean;
  /** Device and source address of the route to a host; undefined when there is none. */
  pathTo: (remote: string) => Promise<{ dev: string; source?: string | undefined } | undefined>;
}

export interface Question {
  name: AnswerName;
  text: string;
  /** The only words that are accepted. */
  words?: readonly string[];
  /** Whether it matters, after the answers so far. */
  asked: (answers: Answers, view: View) => boolean;
  /** What the machine suggests; undefined where only the person knows. */
  suggested: (view: View, answers: Answers) => Promise<string | undefined> | string | undefined;
  /** What is accepted, where this answer is not. */
  refused: (answer: string, view: View, answers: Answers) => string | undefined;
}

const bridging = ({ purpose }: Answers): boolean => purpose === 'bridge';
const isGlobal = (address: Link['addresses'][number]): boolean => address.family === 4 && address.scope === 'global';

/** Devices towards hosts: up, of hardware or like it, and not on the way out. */
function inner({ links, uplinks }: View, besides: readonly (string | undefined)[] = []): Link[] {
  const virtual = ['bridge', 'gretap', 'gre', 'dummy', 'tun', 'wireguard', 'vti', 'xfrm', 'vrf'];
  const free = ({ name, kind, fallback }: Link): boolean =>
    name !== 'lo' && !fallback && !virtual.includes(kind ?? '') && !uplinks.includes(name) && !besides.includes(name);
  return links.filter((link) => link.up && free(link));
}

/** Tunnel devices that frames enter by a bridge. */
function tunnels({ links }: View): Link[] {
  return links.filter(({ kind, master, fallback }) => kind === 'gretap' && master !== undefined && !fallback);
}

function device(answer: string, { links }: View): string | undefined {
  // What the files cannot name is refused here, not once all is answered.
  const names = links.map(({ name }) => name).filter((name) => name !== 'lo' && isDeviceName(name));
  return names.includes(answer) ? undefined : `a device of this machine: ${names.join(', ')}`;
}

const none = (): undefined => undefined;
const always = (): boolean => true;

/** In their order: one may rest on the answers before it. */
export const QUESTIONS: readonly Question[] = [
  {
    name: 'purpose',
    text: `What is wanted?
  bridge  one Ethernet over two sites: a tunnel that this router and another one set up
  path    packets that this router forwards to a link with a smaller MTU
  tunnel  a gretap that is here already and loses full-size frames`,
    words: PURPOSES,
    asked: always,
    suggested: (view) => (tunnels(view).length > 0 ? 'tunnel' : 'bridge'),
    refused: none,
  },
  {
    name: 'name',
    text: 'Name of this end of the tunnel',
    asked: bridging,
    suggested: () => 'site-a',
    refused: (answer) => {
      if (!isInstanceName(answer) || answer === 'clear-df') return INSTANCE_NAME_FORM;
      const other = otherEnd(answer);
      return isInstanceName(other) ? undefined : `${INSTANCE_NAME_FORM}, the other end's as well: ${other}`;
    },
  },
  {
    name: 'remote',
    text: 'Address of the other router',
    asked: bridging,
    suggested: none,
    refused: hostForm,
  },
  {
    name: 'underlay',
    text: 'Device towards it',
    asked: bridging,
    suggested: async (view, { remote = '' }) => (await view.pathTo(remote))?.dev,
    refused: device,
  },
  {
    name: 'local',
    text: 'Address of this router, as the other one sees it',
    asked: bridging,
    suggested: async (view, { remote = '', underlay }) => {
      const path = await view.pathTo(remote);
      if (path?.dev === underlay && path?.source !== undefined) return path.source;
      const own = view.links.find(({ name }) => name === underlay)?.addresses.find(isGlobal);
      return own?.prefix.split('/')[0];
    },
    refused: (answer, _, answers) =>
      hostForm(answer) ?? (answer === answers.remote ? 'another address than the other router’s' : undefined),
  },
  {
    name: 'port',
    text: 'Device towards the hosts, which becomes a port of the bridge',
    asked: bridging,
    suggested: (view, { underlay }) => inner(view, [underlay])[0]?.name,
    refused: (answer, view, { underlay }) =>
      answer === underlay ? 'another device than the one towards the other router' : device(answer, view),
  },
  {
    name: 'move-addresses',
    text: 'It has addresses of its own. Move them to the bridge, where they have to be?',
    words: YES_NO,
    asked: ({ purpose, port }, { links }) =>
      purpose === 'bridge' && links.some(({ name, addresses }) => name === port && addresses.some(isGlobal)),
    suggested: () => 'yes',
    refused: none,
  },
  {
    name: 'carrier',
    text: `How do the frames cross?
  plain  in GRE: whoever is on the way can read them
  ike    encrypted by ESP, keys by strongSwan: its package is needed on both routers
  keys   encrypted by ESP, with a file of static keys: no replay protection`,
    words: CARRIERS,
    asked: bridging,
    suggested: () => 'plain',
    refused: none,
  },
  {
    name: 'in-dev',
    text: 'Device that the packets come in by',
    asked: ({ purpose }) => purpose === 'path',
    suggested: (view) => inner(view)[0]?.name,
    refused: device,
  },
  {
    name: 'out-dev',
    text: 'Device that they leave by',
    asked: ({ purpose }) => purpose !== 'bridge',
    suggested: (view, { purpose }) => (purpose === 'tunnel' ? tunnels(view)[0]?.name : view.uplinks[0]),
    refused: (answer, view, answers) =>
      answer === answers['in-dev'] ? 'another device than the one that they come in by' : device(answer, view),
  },
  {
    name: 'queue',
    text: 'Number of the queue',
    asked: ({ purpose }) => purpose !== 'bridge',
    suggested: ({ freeQueue }) => String(freeQueue),
    refused: (answer) =>
      /^(0|[1-9]\d{0,4})$/.test(answer) && Number(answer) <= 65_535 ? undefined : 'a number, 0-65535',
  },
  {
    name: 'unit',
    text: 'Write a unit for systemd, so that it comes up at boot? (It is not started now.)',
    words: YES_NO,
    asked: (answers, { systemd }) => bridging(answers) && systemd,
    suggested: () => 'yes',
    refused: none,
  },
];

function hostForm(answer: string): string | undefined {
  const read = readIpv4Host(answer);
  if (typeof read === 'string') return undefined;
  return read.hint === undefined ? IPV4_HOST_FORM : `${IPV4_HOST_FORM}; ${read.hint}`;
}

/** `site-a` and `site-b`. */
export function otherEnd(name: string): string {
  return name.endsWith('-a') ? name.replace(/a$/, 'b') : name.endsWith('-b') ? name.replace(/b$/, 'a') : `${name}-2`;
}
