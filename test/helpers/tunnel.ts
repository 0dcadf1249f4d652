/** A tunnel as an operator makes it: a site file on each router and `clear-df tunnel up`. */
import { type Assumptions, assumedFacts } from '../../src/tunnel/assumed.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import type { Sizes } from '../../src/tunnel/sizes.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';
import { clearDf, commandOf, Daemon } from './clear-df.js';
import type { Done, Namespace } from './netns.js';
import type { Running } from './running.js';

/** What differs between stories; everything else is the article's. */
export interface SiteOptions {
  /** `plain`, or lines of YAML below `carrier:`. */
  carrier?: string;
  /** Device towards the other router. */
  underlay?: string;
  engine?: string;
  hook?: string;
  bridge?: string;
  /** The tunnel's ends, where they are not the routers' own addresses. */
  local?: string;
  remote?: string;
  /** In place of `remote`. */
  remotes?: readonly string[];
  /** More lines at the top level. */
  more?: string[];
}

/** One end of the tunnel. */
export class TunnelEnd {
  #daemon: Daemon | undefined;
  #running: Running | undefined;

  constructor(
    readonly at: Namespace,
    readonly file: string,
    readonly engine: string,
    /** `up` goes on running. */
    private readonly stays: boolean,
    /** Of the file, for {@link sizes}. */
    private readonly text = '',
  ) {}

  /** Writes the site file of one router into the lab's scratch folder. */
  static async write(at: Namespace, name: string, local: string, remote: string, options: SiteOptions) {
    const file = `${await at.lab.scratch()}/${name}.yaml`;
    return TunnelEnd.rewrite(at, file, name, local, remote, options);
  }

  /** The same file with other contents, and so another end: what the first one runs is left to it. */
  static async rewrite(
    at: Namespace,
    file: string,
    name: string,
    local: string,
    remote: string,
    options: SiteOptions,
  ): Promise<TunnelEnd> {
    const {
      carrier = 'plain',
      underlay = 'eth1',
      engine = 'nfqueue',
      hook,
      more = [],
      bridge = '{ name: br0, ports: [eth0] }',
    } = options;
    const lines = [
      `name: ${name}`,
      `local: ${options.local ?? local}`,
      options.remotes === undefined
        ? `remote: ${options.remote ?? remote}`
        : `remotes: [${options.remotes.join(', ')}]`,
      `underlay: ${underlay}`,
      `bridge: ${bridge}`,
      `carrier: ${carrier}`,
      `engine: ${engine}`,
      ...(hook === undefined ? [] : [`hook: ${hook}`]),
      ...more,
    ];
    const text = `${lines.join('\n')}\n`;
    await at.machine.writeFile(file, text);
    // The daemon of `external` holds the socket.
    const socket = carrier.includes('esp-in-udp') && !carrier.includes('external');
    const queue = engine === 'nfqueue' || more.some((line) => line.startsWith('queue:'));
    return new TunnelEnd(at, file, engine, queue || socket, text);
  }

  /** The mangler that `up` runs. */
  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error(`${this.file} has no mangler: engine ${this.engine}`);
    return this.#daemon;
  }

  /** Whether `up` has left something running. */
  get runs(): boolean {
    return this.#running !== undefined;
  }

  /** What `up` has started and goes on running. */
  get running(): Running {
    if (this.#running === undefined) throw new Error(`${this.file} has nothing running`);
    return this.#running;
  }

  /** What one full packet becomes by the planner alone, without a look at the router. */
  sizes(machine?: Assumptions): Sizes {
    const site = parseSite(this.text, this.file);
    return tunnelSizes(site, assumedFacts(site, machine));
  }

  /** What `clear-df tunnel plan --json` says that one full packet becomes. */
  async plannedSizes(): Promise<Sizes> {
    const done = await clearDf(this.at, ['tunnel', 'plan', this.file, '--json'], 120_000);
    if (done.exitCode !== 0) throw new Error(`tunnel plan failed (${done.exitCode}): ${done.stderr}`);
    return (JSON.parse(done.stdout) as { sizes: Sizes }).sizes;
  }

  /** Bytes of each packet on the wire, as planned. */
  async plannedLengths(): Promise<number[]> {
    return (await this.plannedSizes()).wire.map(({ length }) => length);
  }

  /** `clear-df tunnel up`, until it says that the tunnel is up; where it has something to do it goes on running. */
  async up(flags: readonly string[] = []): Promise<void> {
    const words = ['tunnel', 'up', ...flags, this.file];
    const isUp = /tunnel \S+ is up/;
    if (!this.stays) {
      const { exitCode, stderr } = await clearDf(this.at, words, 300_000);
      if (exitCode !== 0 || !isUp.test(stderr)) throw new Error(`tunnel up failed (${exitCode}): ${stderr}`);
      return;
    }
    const [node, main] = commandOf(this.at);
    const running = this.at.spawn(node, [main, ...words]);
    await running.says(isUp, 300_000);
    if (this.engine === 'nfqueue') this.#daemon = new Daemon(this.at, running, [0]);
    this.#running = running;
  }

  /** `clear-df tunnel down`: also ends the mangler. */
  async down(): Promise<Done> {
    const done = await clearDf(this.at, ['tunnel', 'down', this.file], 300_000);
    if (done.exitCode !== 0) throw new Error(`tunnel down failed (${done.exitCode}): ${done.stderr}`);
    if (this.#running !== undefined) await this.#running.wait();
    [this.#daemon, this.#running] = [undefined, undefined];
    return done;
  }
}

/** Both ends of the article's tunnel, not up yet. */
export async function tunnelEnds(
  { rA, rB }: Article,
  a: SiteOptions,
  b = a,
  name = 'site',
): Promise<[TunnelEnd, TunnelEnd]> {
  return [
    await TunnelEnd.write(rA, `${name}-a`, ROUTER_A, ROUTER_B, a),
    await TunnelEnd.write(rB, `${name}-b`, ROUTER_B, ROUTER_A, b),
  ];
}

/** Both at once: what the machine needs most of the time for is starting Node. */
export async function upBoth(ends: readonly TunnelEnd[]): Promise<void> {
  await Promise.all(ends.map((end) => end.up()));
}

export async function downBoth(ends: readonly TunnelEnd[]): Promise<void> {
  await Promise.all(ends.map((end) => end.down()));
}
