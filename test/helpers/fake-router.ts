/**
 * A router for whole plans: it does with its devices, addresses, routes, modules and policies what the kernel does on the
 * commands that plans are made of, and dies on demand.
 */
import { ClearDfError } from '../../src/errors.js';
import type { Machine } from '../../src/host/tunnel/machine.js';
import type { Address, Facts, Link, Route, XfrmPolicy } from '../../src/tunnel/facts.js';
import type { Command } from '../../src/tunnel/item.js';
import { Dead } from './fake-machine.js';
import { loadedTable } from './nft-table.js';

const CALLS = ['iptables', 'ip6tables', 'arptables'].map((tool) => `net/bridge/bridge-nf-call-${tool}`);
const VLAN = 'net/bridge/bridge-nf-filter-vlan-tagged';

type Made = { -readonly [K in keyof Link]: Link[K] };

/** What is so; everything else of a machine is as it was given. */
interface State {
  links: Map<string, Made>;
  routes: Route[];
  modules: Set<string>;
  sysctls: Map<string, string>;
  policies: XfrmPolicy[];
  /** Of nft. */
  tables: Set<string>;
}

export class FakeRouter implements Machine {
  /** Dies before (2n) or after (2n + 1) its nth command; undefined: never. */
  diesAt: number | undefined;
  /** Its nth command fails, but for the unloading of a module, which is free to fail; undefined: none. */
  refusesAt: number | undefined;
  /** Called behind each command. */
  behind: () => void = () => undefined;
  /** Called when it dies: what the process would do behind that is to be undone. */
  atDeath: () => void = () => undefined;
  #count = 0;
  #dead = false;

  private constructor(
    private readonly base: Facts,
    private readonly state: State,
  ) {}

  static of(facts: Facts): FakeRouter {
    return new FakeRouter(facts, {
      links: new Map(facts.links.map((link) => [link.name, { ...link }])),
      routes: [...facts.routes],
      modules: new Set(facts.modules),
      sysctls: new Map(facts.sysctls),
      policies: [...facts.policies],
      tables: new Set(facts.tables),
    });
  }

  /** The same router for the next process. */
  reborn(): FakeRouter {
    return new FakeRouter(this.base, this.state);
  }

  /** All of it, to compare two moments; the order of devices and routes is nobody's. */
  get text(): string {
    const { links, routes, modules, sysctls, policies, tables } = this.state;
    const sorted = (values: Iterable<unknown>) => [...values].map((value) => JSON.stringify(value)).sort();
    return [sorted(links.values()), sorted(routes), sorted(modules), sorted(sysctls), sorted(policies), sorted(tables)]
      .flat()
      .join('\n');
  }

  get facts(): Facts {
    const { links, routes, modules, sysctls, policies, tables } = this.state;
    return {
      ...this.base,
      ...{ links: [...links.values()].map((link) => ({ ...link })), routes: [...routes] },
      ...{ modules: new Set(modules), sysctls: new Map(sysctls), policies: [...policies] },
      tables: [...tables],
    };
  }

  async look(): Promise<Facts> {
    if (this.#dead) throw new Dead();
    return this.facts;
  }

  async perform({ argv, mayFail, input }: Command): Promise<{ excuse?: string }> {
    if (this.#dead) throw new Dead();
    const at = this.#count++;
    if (this.diesAt === 2 * at) this.#die();
    const excuse = this.refusesAt === at && argv[0] !== 'modprobe' ? 'refused' : this.#run([...argv], input);
    if (excuse !== undefined && mayFail !== true) {
      throw new ClearDfError({ code: 'RUNTIME', operation: 'run', object: argv.join(' '), reason: excuse });
    }
    this.behind();
    if (this.diesAt === 2 * at + 1) this.#die();
    return excuse === undefined ? {} : { excuse };
  }

  #die(): never {
    this.atDeath();
    this.#dead = true;
    throw new Dead();
  }

  /** @returns why it had no effect */
  #run(argv: string[], input = ''): string | undefined {
    const [program = '', object = '', verb = '', ...rest] = argv;
    if (program === 'modprobe') return object === '-r' ? this.#unload(verb) : this.#load(object);
    if (program === 'sysctl') return this.#set(verb);
    if (program === 'nft') return this.#nft(argv, input);
    if (program !== 'ip') throw new Error(`what is ${argv.join(' ')}?`);
    switch (`${object} ${verb}`) {
      case 'link add':
        return this.#add(rest);
      case 'link delete':
        return this.#delete(rest[1] ?? '');
      case 'link set':
        return this.#change(rest);
      case 'link change':
        return this.#tunnel(rest);
      case 'address add':
      case 'address delete':
        return this.#address(verb, rest);
      case 'route replace':
        return this.#route(rest);
      case 'xfrm policy':
        return this.#policy(rest);
      default:
        throw new Error(`what is ${argv.join(' ')}?`);
    }
  }

  #nft([, verb, , ...place]: string[], input: string): string | undefined {
    const { tables } = this.state;
    const line = verb === 'delete' ? '' : loadedTable(input);
    const name = verb === 'delete' ? place.join(' ') : line.split(':')[0];
    const before = [...tables].find((one) => one.startsWith(`${name}: `));
    if (before !== undefined) tables.delete(before);
    else if (verb === 'delete') return 'No such file or directory';
    if (verb !== 'delete') tables.add(line);
    return undefined;
  }

  #load(name: string): undefined {
    const { modules, sysctls } = this.state;
    if (modules.has(name)) return undefined;
    modules.add(name);
    if (name !== 'br_netfilter') return undefined;
    for (const key of CALLS) sysctls.set(key, '1');
    sysctls.set(VLAN, '0');
    return undefined;
  }

  #unload(name: string): string | undefined {
    if (!this.state.modules.delete(name)) return 'it is not loaded';
    if (name === 'br_netfilter') for (const key of [...CALLS, VLAN]) this.state.sysctls.delete(key);
    return undefined;
  }

  #set(assignment: string): string | undefined {
    const [name = '', value = ''] = assignment.split('=');
    if (!this.state.sysctls.has(name)) return 'No such file or directory';
    this.state.sysctls.set(name, value);
    return undefined;
  }

  #add([, name = '', , kind = '', ...words]: string[]): string | undefined {
    if (this.state.links.has(name)) return 'File exists';
    const data = kind === 'bridge' ? { nf_call_iptables: 0 } : gretapData(words);
    if (kind === 'gretap' && this.#twin(name, data) !== undefined) return 'File exists';
    const mtu = kind === 'bridge' ? 1500 : 1462;
    this.state.links.set(name, { name, mtu, up: false, master: undefined, kind, data, addresses: [], fallback: false });
    return undefined;
  }

  /** `ip_tunnel_find`: one gretap for each pair of ends and key. */
  #twin(name: string, data: object): string | undefined {
    const ends = (of: Link['data'] | object) =>
      JSON.stringify(['local', 'remote', 'ikey'].map((key) => (of as Link['data'])[key]));
    return [...this.state.links.values()].find(
      (one) => one.kind === 'gretap' && one.name !== name && ends(one.data) === ends(data),
    )?.name;
  }

  #tunnel([, name = '', , , ...words]: string[]): string | undefined {
    const link = this.state.links.get(name);
    if (link === undefined) return `Cannot find device "${name}"`;
    const data = gretapData(words);
    if (this.#twin(name, data) !== undefined) return 'File exists';
    link.data = data;
    return undefined;
  }

  #delete(name: string): string | undefined {
    const { links } = this.state;
    if (!links.delete(name)) return `Cannot find device "${name}"`;
    for (const link of links.values()) if (link.master === name) link.master = undefined;
    this.state.routes = this.state.routes.filter(({ dev }) => dev !== name);
    return undefined;
  }

  #change([, name = '', what = '', value = '', , set = '']: string[]): string | undefined {
    const link = this.state.links.get(name);
    if (link === undefined) return `Cannot find device "${name}"`;
    if (what === 'mtu') link.mtu = Number(value);
    if (what === 'master') link.master = value;
    if (what === 'nomaster') link.master = undefined;
    if (what === 'up' || what === 'down') link.up = what === 'up';
    if (what === 'type') link.data = { ...link.data, nf_call_iptables: Number(set) };
    return undefined;
  }

  #address(verb: string, words: string[]): string | undefined {
    const [prefix = ''] = words;
    const link = this.state.links.get(words.at(-1) ?? '');
    if (link === undefined) return 'Cannot find device';
    const there = link.addresses.some((one) => one.prefix === prefix);
    if (there === (verb === 'add')) return there ? 'File exists' : 'Cannot assign requested address';
    const address: Address = { family: 4, prefix, scope: 'global', dynamic: false };
    link.addresses = there ? link.addresses.filter((one) => one.prefix !== prefix) : [...link.addresses, address];
    return undefined;
  }

  #route([destination = '', ...words]: string[]): string | undefined {
    const dev = words[words.indexOf('dev') + 1] ?? '';
    const link = this.state.links.get(dev);
    if (link === undefined) return `Cannot find device "${dev}"`;
    const via = words[words.indexOf('via') + 1];
    const others = this.state.routes.filter((route) => route.destination !== destination);
    this.state.routes = [...others, { destination, via, dev, protocol: 'static', words }];
    return undefined;
  }

  /** Policies that block: ICMP of one kind, and GRE with one key. */
  #policy([verb = '', ...words]: string[]): string | undefined {
    const { policies } = this.state;
    const behind = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
    const icmp = { type: Number(behind('type')), code: Number(behind('code')) };
    const selector = {
      ...{ direction: behind('dir') ?? '', protocol: behind('proto') },
      ...{ source: `${behind('src')}/32`, destination: `${behind('dst')}/32` },
      ...(words.includes('type') ? { icmp } : {}),
      ...(words.includes('key') ? { greKey: Number(behind('key')) } : {}),
    };
    const policy = { ...selector, blocks: true, mode: '', reqid: 0, transform: '' };
    const same = (one: XfrmPolicy) => JSON.stringify(one) === JSON.stringify(policy);
    const there = policies.some(same);
    if (there === (verb === 'add')) return there ? 'File exists' : 'No such file or directory';
    this.state.policies = there ? policies.filter((one) => !same(one)) : [...policies, policy];
    return undefined;
  }
}

function gretapData(words: string[]): Link['data'] {
  const behind = (word: string) => words[words.indexOf(word) + 1];
  const key = words.includes('key') ? { ikey: Number(behind('key')), okey: Number(behind('key')) } : {};
  const flags = { pmtudisc: !words.includes('nopmtudisc'), ignore_df: words.includes('ignore-df') };
  const ttl = words.includes('ttl') && behind('ttl') !== 'inherit' ? { ttl: Number(behind('ttl')) } : {};
  return { local: behind('local'), remote: behind('remote'), ...key, ...flags, ...ttl };
}
