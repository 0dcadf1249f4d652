/**
 * The tarball with each Node.js that is in use, of npm's packages: installed once without install scripts, then run by
 * each of them. Both addons are N-API, so that one binary fits all.
 *
 *   sender ── lo ── sink        one namespace for each run; every UDP packet
 *         OUTPUT: NFQUEUE       passes a queue on its way out
 */
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prebuiltName } from '../../src/native/binary.js';
import type { Architecture } from '../../scripts/lab/architecture.js';
import { nodeBinary } from '../../scripts/node-binary.js';
import { patient } from '../helpers/slowness.js';
import { Consumer, ROOT } from './consumer.js';

/** 20 datagrams of 200 bytes through the library; Linux sets DF on them. */
const MANGLE = `
import dgram from 'node:dgram';
import { execFileSync } from 'node:child_process';
import { ClearDf } from 'clear-df';
const mangler = await ClearDf.open({ queues: '7' });
execFileSync('iptables', ['-t', 'mangle', '-A', 'OUTPUT', '-p', 'udp', '-j', 'NFQUEUE', '--queue-num', '7']);
const sink = dgram.createSocket('udp4'), source = dgram.createSocket('udp4');
let came = 0;
await new Promise((resolve) => {
  sink.on('message', () => ++came === 20 && resolve());
  sink.bind(9, '127.0.0.1', () => { for (let i = 0; i < 20; i++) source.send(Buffer.alloc(200), 9, '127.0.0.1'); });
});
sink.close();
source.close();
const { cleared, leaked } = mangler.stats();
await mangler.close();
console.log(JSON.stringify({ node: process.versions.node.split('.')[0], came, cleared, leaked }));`;

let consumer: Consumer;

beforeAll(async () => {
  consumer = await Consumer.create();
  consumer.write('mangle.mjs', MANGLE);
}, patient(300_000));

afterAll(() => {
  consumer?.dispose();
});

describe.each(['20', '22', '24', 'latest'])('Node.js %s', (version) => {
  let node = '';

  /** In a network namespace of its own. */
  const run = async (script: string, args: readonly string[] = [], env: Record<string, string> = {}) => {
    const words = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', node, script, ...args];
    return execa('unshare', words, { cwd: consumer.folder, env, reject: false, timeout: patient(120_000) });
  };

  beforeAll(async () => {
    node = await nodeBinary(process.arch as Architecture, version);
  }, patient(300_000));

  test('--help names the commands', async () => {
    const { exitCode, stdout, stderr } = await run('node_modules/clear-df/bin/clear-df.cjs', ['--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/\brun\b[^]*\brules\b[^]*\bpcap\b/);
  });

  test('ten cycles of four queues leave nothing behind', async () => {
    const env = { CLEAR_DF_ADDON: consumer.installed('prebuilds', prebuiltName(), 'clear_df.node') };
    const { stdout, stderr } = await run(path.join(ROOT, 'test/addon/fixtures/cycles.cjs'), ['10'], env);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      came: 200,
      cleared: 200,
      left: { threads: [], queues: [], descriptors: 0 },
    });
  });

  test('the library clears what passes its queue', async () => {
    const { stdout, stderr } = await run('mangle.mjs');
    expect(stderr).toBe('');
    const expected: Record<string, unknown> = { came: 20, cleared: 20, leaked: 0 };
    expect(JSON.parse(stdout)).toEqual(
      version === 'latest' ? expect.objectContaining(expected) : { node: version, ...expected },
    );
  });
});
