/**
 * The status page in a real browser.
 *
 *   [router] Chromium ── 127.0.0.1:9857 ── clear-df run --queue 0:31 ── NFQUEUE ── ping 127.0.0.1
 *
 * The pictures of the documents are of made-up readings: CLEAR_DF_PICTURES=1 makes them anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveStats } from '../../src/report/http.js';
import { Sampler } from '../../src/report/sampler.js';
import { Browser } from '../helpers/browser.js';
import { foreignRule, startClearDf } from '../helpers/clear-df.js';
import { install } from '../helpers/debian-packages.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { patient } from '../helpers/slowness.js';
import { until } from '../helpers/until.js';
import { second, type Site } from '../unit/top-samples.js';

const PICTURES = 'docs/monitoring';

let lab: Lab;
let router: Namespace;

beforeAll(async () => {
  await install('chromium');
  lab = await Lab.create();
  ({ router } = await lab.build({ router: {} }));
}, patient(300_000));

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
});

/** What axe-core finds wrong: each rule with the elements. */
async function axe(browser: Browser): Promise<string[]> {
  await browser.evaluate(readFileSync('node_modules/axe-core/axe.min.js', 'utf8') + ';undefined');
  return browser.evaluate(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))",
  );
}

it('shows what /stats says of 32 queues, and goes on when the service is started anew', async () => {
  let daemon = await startClearDf(router, '0:31');
  await foreignRule(router, { chain: 'OUTPUT', match: ['-p', 'icmp'], queue: ['--queue-num', '7'] });
  await router.exec('ping', ['-c', '20', '-i', '0.002', '-M', 'do', '127.0.0.1']);
  const { totals } = await daemon.settledStats();
  // 20 requests and 20 replies; the kernel's replies have DF set as well.
  expect(totals).toMatchObject({ packets: 40 });
  await using browser = await Browser.start(['ip', 'netns', 'exec', router.name]);
  await browser.look(1200, 900, 'light');
  await browser.open('http://127.0.0.1:9857/');
  await until('it shows the numbers', async () => (await browser.text()).includes(`${totals.packets} in all`));
  const text = await browser.text();
  expect(text).toMatch(/queues 0:31, companion queue 65535, up /);
  expect(text).toContain(`${totals.cleared} in all`);
  expect(await browser.evaluate("document.querySelectorAll('#queues tbody tr').length")).toBe(33);
  expect(await browser.evaluate("document.querySelectorAll('figure canvas').length")).toBe(8);
  await until('graphs have points', async () =>
    browser.evaluate<boolean>("document.querySelectorAll('#queues polyline')[7].getAttribute('points').includes(' ')"),
  );
  expect(await axe(browser)).toEqual([]);

  await daemon.stop();
  await until('it says so', async () => (await browser.text()).includes('no connection, trying again'));
  const points = "document.querySelectorAll('#queues polyline')[0].getAttribute('points').split(' ').length";
  const before = await browser.evaluate<number>(points);
  daemon = await startClearDf(router, '0:31');
  await until('it is live again', async () => /^live$/m.test(await browser.text()));
  await until('it shows the new one', async () => (await browser.text()).includes('0 in all'));
  expect(await browser.evaluate<number>(points)).toBeGreaterThanOrEqual(before);
  await daemon.stop();

  // Nothing from elsewhere, and nothing that the policy had to forbid; a service that is away is no fault of the page.
  expect(browser.requests.filter((url) => !url.startsWith('http://127.0.0.1:9857/') && url !== 'about:blank')).toEqual(
    [],
  );
  expect(
    browser.complaints.filter((words) => !/ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING)/.test(words)),
  ).toEqual([]);
});

it.each([
  ['light', 1200, 1700, 'light'],
  ['dark', 1200, 1700, 'dark'],
  ['phone', 390, 844, 'dark'],
] as const)('is readable %s: %i × %i', async (name, width, height, scheme) => {
  // An hour of a site that leaks in its last minutes; the time is always the same.
  const site: Site = { queues: 4, fastPath: true, leaking: true, leakFrom: 3200, period: 1500 };
  let t = 0;
  const reading = () => second((t += 5), site);
  // Each of its readings is five seconds later, however soon it comes.
  const sampler = new Sampler(reading, undefined, 0.002);
  sampler.start();
  await until('an hour is there', () => t >= 3605);
  sampler.stop();
  const server = await serveStats({ host: '127.0.0.1', port: 0 }, reading, undefined, sampler);
  try {
    await using browser = await Browser.start();
    await browser.look(width, height, scheme);
    await browser.open(`${server.url}/`);
    await until('it is live', async () => /^live$/m.test(await browser.text()));
    const picture = await browser.picture();
    expect(await axe(browser)).toEqual([]);
    // Nothing is wider than the screen: what is, scrolls for itself.
    expect(await browser.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const back = await browser.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(back).toBe(scheme === 'dark' ? 'rgb(16, 19, 22)' : 'rgb(246, 247, 248)');
    const file = path.join(PICTURES, `status-${name}.png`);
    if (process.env['CLEAR_DF_PICTURES'] === '1') writeFileSync(file, picture);
    expect(existsSync(file)).toBe(true);
    expect(picture.length).toBeGreaterThan(10_000);
  } finally {
    await server.close();
  }
});
