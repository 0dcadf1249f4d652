/**
 * Many installations of one name at the same time.
 *
 *   router: clear-df alone
 */
import { expect, it } from 'vitest';
import { clearDf } from '../helpers/clear-df.js';
import { Lab } from '../helpers/netns.js';

it('20 at once leave exactly one set, and one removal leaves nothing', async () => {
  await using lab = await Lab.create();
  const router = await lab.namespace('router');
  const install = (queue: number) =>
    clearDf(router, ['rules', 'install', '--queue', String(queue), '--backend', 'iptables-nft'], 600_000);
  const ended = await Promise.all(Array.from({ length: 20 }, (_, queue) => install(queue)));
  for (const { exitCode, stderr } of ended) expect(exitCode, stderr).toBe(0);
  const owned = async (): Promise<string[]> =>
    (await router.exec('iptables-nft-save')).split('\n').filter((line) => line.includes('clear-df:default'));
  expect(await owned()).toHaveLength(1);
  expect((await clearDf(router, ['rules', 'remove'])).exitCode).toBe(0);
  expect(await owned()).toEqual([]);
  expect(await router.exec('nft', ['list', 'ruleset'])).toBe('');
});
