/** Debian's Chromium without a window, driven through pipes by its DevTools protocol. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { until } from './until.js';

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

const FLAGS = ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'];

export class Browser {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'clear-df-browser-'));
  readonly #process;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #next = 0;
  #session: string | undefined;
  /** Each request that the page made, by its address. */
  readonly requests: string[] = [];
  /** What the console, or the policy of the page, complained of. */
  readonly complaints: string[] = [];

  private constructor(before: readonly string[]) {
    const flags = [...FLAGS, `--user-data-dir=${this.#folder}`, 'about:blank'];
    const [command, ...args] = [...before, 'chromium', ...flags] as [string, ...string[]];
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
    this.#process = spawn(command, args, { stdio: [...stdio], env: { ...process.env, TZ: 'UTC', HOME: this.#folder } });
    let text = '';
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (part: string) => {
      const messages = (text + part).split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) this.#receive(JSON.parse(message) as Message);
    });
  }

  /** A browser with one empty page. @param before the command that it is started by: `ip netns exec NAME` */
  static async start(before: readonly string[] = []): Promise<Browser> {
    const browser = new Browser(before);
    const { targetInfos } = (await browser.send('Target.getTargets')) as {
      targetInfos: { type: string; targetId: string }[];
    };
    const { targetId } = targetInfos.find(({ type }) => type === 'page') as { targetId: string };
    const attached = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = attached['sessionId'] as string;
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await browser.send(`${domain}.enable`);
    return browser;
  }

  #receive({ id, method, params = {}, ...answer }: Message): void {
    if (id !== undefined) this.#waiting.get(id)?.(answer);
    if (method === 'Network.requestWillBeSent') this.requests.push((params['request'] as { url: string }).url);
    if (method === 'Log.entryAdded') this.complaints.push((params['entry'] as { text: string }).text);
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params['exceptionDetails']));
  }

  async send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#next;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const { result = {}, error } = await answer;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** The value of an expression in the page, promises waited for. */
  async evaluate<T>(expression: string): Promise<T> {
    const parameters = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', parameters)) as {
      result: { value: T };
      exceptionDetails?: unknown;
    };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** Looks as on such a screen. */
  async look(width: number, height: number, scheme: 'light' | 'dark'): Promise<void> {
    const mobile = width < 500;
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  async open(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
    await until(`${url} is there`, () =>
      this.evaluate<boolean>("location.href !== 'about:blank' && document.readyState === 'complete'"),
    );
  }

  /** The words of the page as a reader sees them. */
  text(): Promise<string> {
    return this.evaluate('document.body.innerText');
  }

  /** A picture of what is to be seen, as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data as string, 'base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    await this.send('Browser.close').catch(() => this.#process.kill());
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
