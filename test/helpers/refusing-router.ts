/**
 * A router on which `clear-df tunnel up` refuses wrong site files, each before it changes anything, naming file, line
 * and reason.
 *
 *   hosts ── eth0 [router] eth1 (192.168.200.1/24) ── 192.168.200.254 ── 172.16.0.1 (the other end)
 *                    └──── eth2 (203.0.113.2/24) ── 203.0.113.1 (default route)
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { EXIT_CODES } from '../../src/errors.js';
import { clearDf } from './clear-df.js';
import { Lab, type Namespace } from './netns.js';
import { routerText } from './router-text.js';
import type { WrongSite } from '../unit/tunnel-wrong-sites.js';

/** Where site files are refused; made anew for a site that wants a router of another kind. */
export class RefusingRouter {
  readonly #lab: Lab;
  readonly #router: Namespace;
  readonly #folder: string;
  /** What the router was last seen as, while nothing but a refusal has come since. */
  #seen: Record<string, string> | undefined;

  private constructor(lab: Lab, router: Namespace, folder: string) {
    [this.#lab, this.#router, this.#folder] = [lab, router, folder];
  }

  static async create(): Promise<RefusingRouter> {
    const lab = await Lab.create();
    const routes = [
      'route add 172.16.0.0/24 via 192.168.200.254 dev eth1',
      'route add default via 203.0.113.1 dev eth2',
    ];
    const { router } = await lab.build({ router: { ip: routes }, others: {} }, [
      [
        { at: 'router', dev: 'eth0' },
        { at: 'others', dev: 'a0' },
      ],
      [
        { at: 'router', dev: 'eth1', address: '192.168.200.1/24' },
        { at: 'others', dev: 'a1' },
      ],
      [
        { at: 'router', dev: 'eth2', address: '203.0.113.2/24' },
        { at: 'others', dev: 'a2' },
      ],
    ]);
    return new RefusingRouter(lab, router, path.join(await lab.scratch(), 'etc'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
  }

  async refuses({ text, line, key, words, code, keyFile, commands = [] }: WrongSite): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
    const file = path.join(this.#folder, 'site-a.yaml');
    const resolved = keyFile === undefined ? text : text.replace(keyFile.name, path.join(this.#folder, keyFile.name));
    writeFileSync(file, resolved);
    if (keyFile !== undefined)
      writeFileSync(path.join(this.#folder, keyFile.name), keyFile.text, { mode: keyFile.mode });
    for (const [command = '', ...args] of commands) await this.#router.exec(command, args);
    if (this.#seen === undefined || commands.length > 0) this.#seen = await routerText(this.#router);

    const done = await clearDf(this.#router, ['tunnel', 'up', file]);

    expect(done.exitCode, done.stderr).toBe(EXIT_CODES[code]);
    expect(done.stdout).toBe('');
    expect(done.stderr).toContain(`${file}:${line}${key === '' ? '' : ` ${key}`}`);
    let from = 0;
    for (const word of words) {
      const at = done.stderr.indexOf(word, from);
      expect(at, `'${word}' in: ${done.stderr}`).toBeGreaterThanOrEqual(0);
      from = at;
    }
    expect(await routerText(this.#router)).toEqual(this.#seen);
  }
}
