/** A guest of the lab: a machine of its own, with a stock Debian kernel, driven through the agent inside. */
import { readFile, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { APP_MAIN } from '../../scripts/lab/app.js';
import { prepare, Qemu } from '../../scripts/lab/qemu.js';
import type { Kernel, Offer } from '../../scripts/lab/fetch.js';
import {
  COMMAND_MS,
  type Done,
  type Ended,
  type Listener,
  type Machine,
  must,
  type Process,
  type RunOptions,
} from './machine.js';
import { patient } from './slowness.js';
import { tool, type Tool } from './tools.js';
import { until } from './until.js';

/** What the agent sends: see scripts/lab/agent.mjs. */
interface Message {
  id?: number;
  ready?: string;
  error?: string;
  code?: string;
  pid?: number;
  exitCode?: number | null;
  signal?: NodeJS.Signals | null;
  stdout?: string;
  stderr?: string;
  data?: string;
  end?: boolean;
}

const BOOT_MS = 120_000;
/** What the kernel prints when something is wrong with itself. */
const COMPLAINT =
  /\b(WARNING:|BUG:|BUG |Oops|Kernel panic|general protection|Call Trace|rcu.*stall|soft lockup|KASAN|refcount_t)/;
/** Emulation is slow, and a busy host slower still: that a core was starved is no fault of the kernel's. */
const NO_COMPLAINT = /soft lockup|stall|hrtimer: interrupt took|clocksource/;

const text = (bytes?: string): string => Buffer.from(bytes ?? '', 'base64').toString();
/** As execa does. */
const chomp = (words: string): string => words.replace(/\r?\n$/, '');

/** Promise.withResolvers of newer Nodes. */
function resolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export class Guest implements Machine {
  readonly name: string;
  readonly node = '/usr/bin/node';
  readonly main = APP_MAIN;
  readonly #pending = new Map<number, (message: Message) => void>();
  readonly #tools = new Map<Tool, Promise<string>>();
  #serial = 0;
  #keep = process.env['CLEAR_DF_LAB_KEEP'] === '1';
  #ended: string | undefined;

  private constructor(private readonly qemu: Qemu) {
    this.name = `guest ${qemu.parts.kernel.name}`;
  }

  /**
   * Boots a kernel; everything that it needs is fetched and made on first use.
   * @param daemons with those of IPsec and VPNs
   * @throws Error with the console's last lines when it does not come up
   */
  static async boot(offer: Offer, daemons: boolean): Promise<Guest> {
    try {
      return await Guest.#bootOnce(offer, daemons);
    } catch (error) {
      // Emulation has been seen to trip a kernel up while it patches its own code. What has not booted tells nothing
      // of clear-df; its console is kept, and the second one has to come up.
      console.error(`lab: ${(error as Error).message}\nlab: booting ${offer.name} a second time`);
      return Guest.#bootOnce(offer, daemons);
    }
  }

  static async #bootOnce(offer: Offer, daemons: boolean): Promise<Guest> {
    const qemu = await Qemu.start(await prepare(offer, daemons));
    const guest = new Guest(qemu);
    try {
      await guest.#connect();
      return guest;
    } catch (error) {
      await guest.keepEvidence();
      await guest[Symbol.asyncDispose]();
      throw error;
    }
  }

  get kernel(): Kernel {
    return this.qemu.parts.kernel;
  }

  /** The file that holds what the guest wrote to its console; kept when {@link keepEvidence} was called. */
  get console(): string {
    return this.qemu.console;
  }

  async #connect(): Promise<void> {
    let ready = false;
    createInterface({ input: this.qemu.port, crlfDelay: Infinity }).on('line', (line) => {
      const message = JSON.parse(line) as Message;
      if (message.ready !== undefined) ready = true;
      else this.#pending.get(message.id as number)?.(message);
    });
    this.qemu.port.on('error', () => {});
    void this.qemu.end.then((how) => {
      this.#ended = how;
      for (const answer of this.#pending.values())
        answer({ error: `${this.name} has ended: ${how}; see ${this.console}` });
    });
    const came = async (): Promise<boolean> => {
      if (this.#ended === undefined) return ready;
      throw new Error(`${this.name} ended while booting: ${this.#ended}\n${await this.#consoleTail()}`);
    };
    await until(`${this.name} has booted (console: ${this.console})`, came, BOOT_MS).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await this.#consoleTail()}`, { cause: error });
    });
  }

  /** Sends a request; every message with its number goes to `hear`. */
  #request(op: string, fields: object, hear: (message: Message) => void): number {
    const id = ++this.#serial;
    if (this.#ended !== undefined) queueMicrotask(() => hear({ error: `${this.name} has ended: ${this.#ended}` }));
    this.#pending.set(id, hear);
    this.qemu.port.write(`${JSON.stringify({ id, op, ...fields })}\n`);
    return id;
  }

  async #ask(op: string, fields: object): Promise<Message> {
    return new Promise((resolve, reject) => {
      const id = this.#request(op, fields, (message) => {
        this.#pending.delete(id);
        if (message.error === undefined) resolve(message);
        else reject(Object.assign(new Error(`${this.name}: ${message.error}`), { code: message.code }));
      });
    });
  }

  /**
   * A command of clear-df in a namespace goes to a process that has it loaded: see scripts/lab/resident.mjs. Starting
   * Node for each would take an emulated machine most of its time.
   */
  #command(argv: readonly string[]): { argv: readonly string[] } | { resident: { netns: string; args: string[] } } {
    const [ip, netns, exec, name, node, main, ...args] = argv;
    const resident = `${ip} ${netns} ${exec}` === 'ip netns exec' && node === this.node && main === this.main;
    return resident ? { resident: { netns: name as string, args } } : { argv };
  }

  async run(argv: readonly string[], { timeout = COMMAND_MS, env = {}, input }: RunOptions = {}): Promise<Done> {
    const bytes = input === undefined ? {} : { input: Buffer.from(input).toString('base64') };
    const { exitCode, stdout, stderr } = await this.#ask('run', {
      ...this.#command(argv),
      ...{ env, timeout: patient(timeout) },
      ...bytes,
    });
    return { stdout: chomp(text(stdout)), stderr: chomp(text(stderr)), exitCode: exitCode ?? undefined };
  }

  spawn(argv: readonly string[], listener: Listener, env: Record<string, string> = {}): Process {
    let pid: number | undefined;
    const started = resolvers<void>();
    const end = resolvers<Ended>();
    started.promise.catch(() => {});
    // A character's bytes may come in two messages.
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    const id = this.#request('spawn', { ...this.#command(argv), env }, (message) => {
      for (const stream of ['stdout', 'stderr'] as const) {
        const bytes = message[stream];
        if (bytes !== undefined)
          listener[stream](decoders[stream].decode(Buffer.from(bytes, 'base64'), { stream: true }));
      }
      if (message.pid !== undefined) {
        pid = message.pid;
        started.resolve();
      }
      if (message.error !== undefined) {
        listener.stderr(message.error);
        started.reject(new Error(message.error));
      }
      if (message.error !== undefined || message.exitCode !== undefined) {
        this.#pending.delete(id);
        end.resolve({ exitCode: message.exitCode ?? undefined, signal: message.signal ?? undefined });
      }
    });
    return {
      get pid() {
        return pid;
      },
      started: started.promise,
      end: end.promise,
      kill: (signal) => void this.#ask('kill', { target: id, signal }).catch(() => {}),
    };
  }

  async readFile(file: string, offset = 0): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = offset; ;) {
      const { data, end } = await this.#ask('read', { path: file, offset: at });
      const part = Buffer.from(data ?? '', 'base64');
      parts.push(part);
      at += part.length;
      if (end === true) return Buffer.concat(parts);
    }
  }

  async writeFile(file: string, data: Buffer | string, mode = 0o644): Promise<void> {
    const bytes = Buffer.from(data);
    const portion = 1 << 20;
    for (let at = 0; at === 0 || at < bytes.length; at += portion) {
      const part = bytes.subarray(at, at + portion).toString('base64');
      await this.#ask('write', { path: file, data: part, mode, append: at > 0 });
    }
  }

  async scratch(prefix: string): Promise<string> {
    return must(this, ['mktemp', '-d', `/tmp/${prefix}XXXXXX`]);
  }

  async remove(folder: string): Promise<void> {
    await must(this, ['rm', '-rf', folder]);
  }

  async namespaces(): Promise<string[]> {
    return (await must(this, ['ip', 'netns', 'list'])).split('\n').flatMap((line) => line.split(' ')[0] || []);
  }

  async tool(name: Tool): Promise<string> {
    const made = this.#tools.get(name) ?? this.#install(name);
    this.#tools.set(name, made);
    return made;
  }

  async #install(name: Tool): Promise<string> {
    const target = `/opt/tools/${name}`;
    await this.writeFile(target, await readFile(await tool(name, this.kernel.architecture)), 0o755);
    return target;
  }

  /** Everything that the kernel has logged. */
  async dmesg(): Promise<string[]> {
    return (await must(this, ['dmesg'])).split('\n');
  }

  /** The lines in which the kernel complains about itself: warnings, oopses, what it calls a bug. */
  async kernelComplaints(): Promise<string[]> {
    return (await this.dmesg()).filter((line) => COMPLAINT.test(line) && !NO_COMPLAINT.test(line));
  }

  /** Loads kernel modules. @throws CommandError when this kernel has one of them not */
  async modprobe(...modules: string[]): Promise<void> {
    await must(this, ['modprobe', '-a', ...modules]);
  }

  /** Keeps the console, with the kernel's log at its end, and says where: for a test that failed. */
  async keepEvidence(): Promise<string> {
    this.#keep = true;
    if (this.#ended === undefined) {
      // Debug messages included; the guest may be past answering.
      await this.run(['sh', '-c', 'echo "--- dmesg"; dmesg | tail -n 200 >/dev/console'], { timeout: 5000 }).catch(
        () => {},
      );
    }
    console.error(`${this.name}: its console is in ${this.console}`);
    return this.console;
  }

  async #consoleTail(): Promise<string> {
    const words = await readFile(this.console, 'utf8').catch(() => '');
    return words.split('\n').slice(-30).join('\n');
  }

  /** Pulls the plug. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.qemu.stop();
    if (!this.#keep) await rm(this.console, { force: true });
  }
}
