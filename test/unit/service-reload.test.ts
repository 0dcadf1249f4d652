/** What a reload moves: the statistics address, and rules that stand under a name that is no longer the run's. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { FormerRules, type Installed } from '../../src/commands/former-rules.js';
import { StatsAddress } from '../../src/commands/stats-server.js';
import { ClearDfError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { snapshot } from './report-samples.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the statistics address', () => {
  const address = new StatsAddress(silentLogger(), () => snapshot({ queues: [] }));
  const answers = async (host: string, port: number) => (await fetch(`http://${host}:${port}/stats`)).status;
  afterEach(() => address.close());

  it('moves from one address to all of them, and back, with the same port', async () => {
    const port = await freePort();
    await address.move({ host: '127.0.0.1', port }, true);
    await address.move({ host: '0.0.0.0', port }, true);
    expect(await answers('127.0.0.2', port)).toBe(200);
    await address.move({ host: '127.0.0.1', port }, true);
    expect(await answers('127.0.0.1', port)).toBe(200);
    await expect(answers('127.0.0.2', port)).rejects.toThrow();
  });

  it('stays where it is when the next one, with the same port, is not to be had', async () => {
    const port = await freePort();
    await address.move({ host: '127.0.0.1', port }, true);
    await expect(address.move({ host: '192.0.2.1', port }, true)).rejects.toThrow(/does not have that address/);
    expect(await answers('127.0.0.1', port)).toBe(200);
  });
});

describe('rules under a former name', () => {
  const rules = (name: string): Installed => ({ name, rules: [], backend: 'nft', shown: '', limits: '' });
  const refusal = () => new ClearDfError({ code: 'RUNTIME', operation: 'run', object: 'nft', reason: 'no' });

  it('are tried again until they are removed, each trouble told once', async () => {
    const told: string[] = [];
    const taken: string[] = [];
    let refuses = true;
    const former = new FormerRules(
      { error: (_: unknown, words: string) => void told.push(words) } as never,
      ({ name }) => {
        taken.push(name);
        return refuses ? Promise.reject(refusal()) : Promise.resolve();
      },
    );
    former.add(rules('one'));
    await former.tryAll('two');
    await former.tryAll('two');
    expect(told).toEqual(['rules of one could not be removed, and will be tried: run nft: no']);
    expect(former.name).toBe('one');
    await expect(former.takeAll()).rejects.toThrow('run nft: no');
    refuses = false;
    await former.takeAll();
    expect(former.name).toBeUndefined();
    expect(taken).toEqual(['one', 'one', 'one', 'one']);
  });

  it('are former no longer when the run takes their name again', async () => {
    const former = new FormerRules({ error: () => undefined } as never, () => Promise.reject(refusal()));
    former.add(rules('one'));
    await former.tryAll('one');
    expect(former.name).toBeUndefined();
  });
});
