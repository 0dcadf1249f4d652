/**
 * Wrong flags and files: each is refused with the exit code of wrong usage, and names the option, the value and what is
 * accepted. That nothing on the machine has changed then, test/netns/refusals.test.ts shows of some.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/program.js';

const said: string[] = [];
vi.mock('../../src/log/standard-error.js', () => ({
  errorSink: () => ({ write: (line: string) => said.push(line) > 0 }),
}));

const files = mkdtempSync(path.join(tmpdir(), 'clear-df-refused-'));
afterAll(() => rmSync(files, { recursive: true }));

const title = process.title;
beforeEach(() => {
  said.length = 0;
});
afterEach(() => {
  process.title = title;
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
});

async function refused(args: string[], words: readonly string[]): Promise<void> {
  const exitCode = await main(args);
  const stderr = said.join('');
  expect(exitCode, stderr).toBe(2);
  for (const word of words) expect(stderr).toContain(word);
  // A sentence for a person, not a stack.
  expect(stderr).toMatch(/^clear-df: /m);
  expect(stderr).not.toMatch(/\n\s+at /);
}

const QUEUE = ['run', '--queue', '9', '--metrics', 'off'];
const RULES = [...QUEUE, '--install-rules', '--name', 'second'];

describe('flags', () => {
  it.each([
    [['run', '--queue', '65536'], "--queue: '65536'", 'expected N or N:M with 0 <= N <= M <= 65535'],
    [['run', '--queue', '3:1'], "--queue: '3:1'", 'expected N or N:M with 0 <= N <= M <= 65535'],
    [['--queue', 'zero'], "--queue: 'zero'", 'expected N or N:M'],
    [['run', '--gso', 'off'], '--queue: it is missing', 'expected N or N:M'],
    [['run', '--queue', '9', '--queue', '8'], "--queue: it is given twice, '9' and '8'", 'expected it once'],
    [['run', '--quue', '9'], "'--quue'", 'did you mean --queue?'],
    [['help', 'tunnel', 'upp'], "command: 'upp'", "did you mean 'up'?"],
    [['help', 'stats', 'more'], "command: 'more'", 'expected nothing more'],
    [['doctor', '--fix', '--yes', '--json'], '--fix: it asks and prints', 'run doctor --json afterwards'],
    [['doctor', '--yes'], '--yes', 'requires --fix'],
    [['doctor', '--dry-run'], '--dry-run', 'requires --fix'],
    [
      ['start', '--queue', '9'],
      "command: 'start'",
      'expected run, setup, tunnel, net, doctor, trace, probe, rules, fast-path, stats, top, metrics, pcap, bench, completion',
    ],
    [[...QUEUE, '--identification', 'rand'], "--identification: 'rand'", 'expected random, keep or sequential'],
    [[...QUEUE, '--gso', 'yes'], "--gso: 'yes'", 'expected auto, on or off'],
    [[...QUEUE, '--queue-length', '0'], "--queue-length: '0'", 'expected packets, 1-2147483647'],
    [[...QUEUE, '--receive-buffer', '64k'], "--receive-buffer: '64k'", 'expected bytes, 65536-1073741824'],
    [[...QUEUE, '--copy-range', '70000'], "--copy-range: '70000'", 'expected bytes, 20-65531'],
    [
      [...QUEUE, '--companion', '9'],
      "--companion: '9'",
      'expected a queue number 0-65535 outside the range of --queue',
    ],
    [[...QUEUE, '--stats', 'often'], "--stats: 'often'", 'expected seconds, 0.1-86400'],
    [[...QUEUE, '--log-level', 'loud'], "--log-level: 'loud'", 'expected trace, debug, info'],
    [['run', '--queue', '9', '--metrics', 'localhost:80'], "--metrics: 'localhost:80'", 'expected ADDR:PORT such as'],
    [[...QUEUE, '--hook', 'output'], "--hook: 'output'", 'expected it together with --install-rules'],
    [[...RULES, '--hook', 'input'], "--hook: 'input'", 'expected output, prerouting, postrouting'],
    [[...RULES, '--hook', 'prerouting'], "--hook: 'prerouting'", 'expected prerouting together with --forwarded'],
    [[...RULES, '--hook', 'bridge'], '--out-dev: it is missing', 'expected the bridge port of the tunnel'],
    [[...RULES, '--forwarded'], '--out-dev: it is missing', 'expected the device that forwarded packets leave by'],
    [['run', '--queue', '010'], "--queue: '010'", 'expected N or N:M'],
    [['rules', 'install', '--queue', '010'], "--queue: '010'", 'expected N or N:M without leading zeros'],
    [['run', '--bogus'], "'--bogus'", 'clear-df run --help'],
    [['tunnel', 'statsu', 'f.yaml'], "'statsu'", 'did you mean status?'],
    [['tunnel', 'up', '--engin', 'bpf', 'f.yaml'], "'--engin'", 'did you mean --engine?'],
    [['pcap', 'a'], 'missing', 'clear-df pcap --help'],
    [[...RULES, '--proto', 'tcp'], "--proto: 'tcp'", 'expected gre, esp, udp:PORT or all'],
    [[...RULES, '--local', '2001:db8::1'], "--local: '2001:db8::1'", 'expected an IPv4'],
    [[...RULES, '--remote', '10.0.0.300'], "--remote: '10.0.0.300'", 'expected an IPv4'],
    [[...RULES, '--larger-than', '12'], '--larger-than: 12', 'expected bytes, 68-65534, or mtu'],
    [[...RULES, '--in-dev', 'eth*', '--hook', 'bridge'], "--in-dev: 'eth*'", 'expected a device name'],
    [[...QUEUE, '--install-rules', '--name', 'two words'], "--name: 'two words'", 'expected letters, digits, _ and -'],
    [[...RULES, '--backend', 'ipfw'], "--backend: 'ipfw'", 'expected auto, iptables-legacy, iptables-nft or nft'],
  ])('%j', async (args, named, accepted) => {
    await refused(args, [named, accepted]);
  });
});

describe('files', () => {
  it.each([
    [
      'unknown key',
      'queue: 9\n\nidentifcation: keep\n',
      ':3:1',
      "unknown key 'identifcation'",
      "mean 'identification'",
    ],
    [
      'wrong value',
      'queue: 9\nqueue-length: many\n',
      ':2:15 queue-length',
      'its value (not repeated here)',
      'expected packets, 1-2147483647',
    ],
    ['wrong type', 'queue: [9]\n', ':1:8 queue', "'a list'", 'expected N or N:M'],
    ['given twice', 'queue: 9\nqueue: 8\n', ':2:1', 'given twice', 'expected each key once'],
    ['not YAML', 'queue: "9\n', ':2:1', 'not sound YAML', 'expected KEY: VALUE'],
    ['no options', 'nine\n', ':1:1', 'KEY: VALUE', 'for example: queue: 0'],
    [
      'a rule',
      'queue: 9\ninstall-rules: true\nproto: sctp\n',
      ':3:8 proto',
      'its value (not repeated here)',
      'expected gre, esp, udp:PORT or all',
    ],
    [
      'a lone rule option',
      'queue: 9\nout-dev: eth0\n',
      ':2:10 out-dev',
      'its value (not repeated here)',
      'together with --install-rules',
    ],
    ['no queue', '# empty\n', '--queue', 'it is missing', 'the key queue'],
  ])('%s', async (name, content, ...words) => {
    const file = path.join(files, `${name}.yaml`);
    writeFileSync(file, content);
    const where = words[0]?.startsWith(':') === true ? [`${file}${words[0]}`, ...words.slice(1)] : words;
    await refused(['run', '--config', file], where);
  });
});
