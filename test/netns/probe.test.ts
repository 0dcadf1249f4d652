/**
 * `clear-df probe` over a link that is too small: what it says, and what it sent, seen on the wire.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *
 * The server cuts its answers for its own link: 20 + 1376 bytes (the largest multiple of 8 that fits 1380) and the rest.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProbeFindings } from '../../src/commands/probe.js';
import { probeTable } from '../../src/commands/probe-text.js';
import { Capture } from '../helpers/capture.js';
import { clearDf, MAIN } from '../helpers/clear-df.js';
import { patient } from '../helpers/slowness.js';
import { CLIENT, forgetPathMtu, learntPathMtu, ROUTER, type Routed, routed, SERVER } from '../helpers/topology.js';

type Report = ProbeFindings & { host: string; address: string; source: string; verdict: string };

/** Answers come in microseconds here; this only bounds the silence. */
const QUICK = ['--timeout', String(patient(300) / 1000)];

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

async function probe(...args: string[]): Promise<Report> {
  const done = await clearDf(net.client, ['probe', SERVER, '--json', ...QUICK, ...args]);
  expect(done.stderr).toBe('');
  const report = JSON.parse(done.stdout) as Report;
  expect(done.exitCode).toBe(report.fullSize === 'yes' ? 0 : 1);
  return report;
}

async function drop(...match: string[]): Promise<void> {
  await net.router.exec('iptables-nft', [...match, '-j', 'DROP']);
}

describe('a router that sends ICMP errors', () => {
  it('is named, and every packet on the wire is what the rows say', async () => {
    const capture = await Capture.start(net.router, 'eth0', ['icmp', 'and', 'src', CLIENT]);
    const report = await probe();
    expect(report).toMatchObject({ host: SERVER, address: SERVER, source: CLIENT, reachable: 'yes', fullSize: 'no' });
    expect(report).toMatchObject({ largest: 1400, limit: { by: 'router', from: ROUTER } });
    expect(report.fragments).toEqual({ out: 'yes', back: 'yes' });
    expect(report.verdict).toContain(`Path MTU is 1400, reported by ${ROUTER}. Fragments pass in both directions`);

    // small 3, full size 1 (told), the search 1400 and 1401, one more 1 (told), largest 3, out 3 × 2, back 3 × 3.
    const sent = await capture.stop(3 + 1 + 2 + 1 + 3 + 6 + 9);
    expect(sent.filter(({ dontFragment }) => dontFragment).map(({ length }) => length)).toEqual([
      ...[64, 64, 64, 1500, 1400, 1401, 1401, 1400, 1400, 1400],
    ]);
    // 1380 bytes of ICMP: 696 (half of it, up to a multiple of 8) and 684. 2780 bytes: 1376, 1376 and 28.
    const pieces = sent.filter(({ dontFragment }) => !dontFragment);
    expect(pieces.map(({ length, offset, moreFragments }) => [length, offset, moreFragments])).toEqual([
      ...Array.from({ length: 3 }, () => [
        [716, 0, true],
        [704, 696, false],
      ]).flat(),
      ...Array.from({ length: 3 }, () => [
        [1396, 0, true],
        [1396, 1376, true],
        [48, 2752, false],
      ]).flat(),
    ]);
    expect(sent.every(({ headerChecksumGood, identification }) => headerChecksumGood && identification !== 0)).toBe(
      true,
    );
    expect(new Set(pieces.map(({ identification }) => identification)).size).toBe(6);
    expect(report.packets).toEqual({ sent: 3 + 1 + 2 + 1 + 3 + 3 + 3, lost: 0 });
  });

  it('has taught the kernel a path MTU, which the next probe does not heed', async () => {
    await probe();
    expect(await learntPathMtu(net.client, SERVER)).toBe(1400);
    await net.router.ip('link', 'set', 'eth1', 'mtu', '1500');
    await net.server.ip('link', 'set', 'eth0', 'mtu', '1500');
    expect(await probe()).toMatchObject({ fullSize: 'yes', fullSizeBack: 'yes', largest: 1500 });
    await forgetPathMtu(net.client);
  });

  it('that no longer sends them is a black hole, measured to the byte', async () => {
    await drop('-A', 'OUTPUT', '-p', 'icmp', '--icmp-type', '3');
    const report = await probe();
    expect(report).toMatchObject({ fullSize: 'no', largest: 1400, limit: { by: 'silence' } });
    expect(report.fragments).toEqual({ out: 'yes', back: 'yes' });
    expect(report.verdict).toContain('a PMTU black hole');
    const oneMore = report.rows.find(({ test }) => test === 'one more');
    expect(oneMore).toMatchObject({ bytes: 1401, sent: 3, answered: 0, lost: 3, complaints: [] });
  });
});

// raw/PREROUTING comes before the defragmentation of a router that tracks connections, which this one does not.
describe('fragments that the router drops', () => {
  it('outbound', async () => {
    await drop('-t', 'raw', '-A', 'PREROUTING', '-i', 'eth0', '-f');
    expect((await probe()).fragments).toEqual({ out: 'no', back: 'unknown' });
  });

  it('on the return path', async () => {
    await drop('-t', 'raw', '-A', 'PREROUTING', '-i', 'eth1', '-f');
    const report = await probe();
    expect(report.fragments).toEqual({ out: 'yes', back: 'no' });
    expect(report.rows.at(-1)).toMatchObject({ test: 'fragments back', bytes: 2800, answered: 0, lost: 3 });
  });
});

it('a firewall of this host that tracks connections takes no answer for a stranger', async () => {
  const { client } = net;
  const rule = ['-m', 'conntrack', '--ctstate', 'INVALID,NEW', '-j', 'DROP'];
  await client.exec('iptables-nft', ['-A', 'INPUT', ...rule]);
  const capture = await Capture.start(net.router, 'eth0', [
    'icmp',
    'and',
    'src',
    CLIENT,
    'and',
    'ip[6:2] & 0x3fff != 0',
  ]);
  const report = await probe();
  expect(report).toMatchObject({ largest: 1400, fragments: { out: 'yes', back: 'yes' } });
  // Put together and cut again by this host, in the same places.
  const lengths = (await capture.stop(15)).map(({ length }) => length);
  expect(lengths.slice(0, 6)).toEqual([716, 704, 716, 704, 716, 704]);
  expect(lengths.slice(6)).toEqual([1396, 1396, 48, 1396, 1396, 48, 1396, 1396, 48]);
});

it('the table says what the JSON says', async () => {
  await drop('-t', 'raw', '-A', 'PREROUTING', '-i', 'eth1', '-f');
  const report = await probe();
  const { stdout, stderr, exitCode } = await clearDf(net.client, ['probe', SERVER, ...QUICK]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 1 });
  const [title, , ...lines] = stdout.split('\n');
  expect(title).toBe(`probe of ${SERVER} from ${CLIENT}`);
  // All but the round-trip times.
  const timeless = (text: string) => text.replace(/ +\d+\.\d+(?= {2}|$)/gm, ' T');
  expect(timeless(lines.join('\n'))).toBe(timeless(`${probeTable(report.rows)}\n${report.verdict}`));
});

it('the far end has other addresses: --from chooses one of this host', async () => {
  await net.client.ip('address', 'add', '10.0.0.9/24', 'dev', 'eth0');
  expect((await probe('--from', '10.0.0.9')).source).toBe('10.0.0.9');
  const { exitCode, stderr } = await clearDf(net.client, ['probe', SERVER, '--from', '192.0.2.9']);
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(/send from 192\.0\.2\.9: this host does not have that address \(EADDRNOTAVAIL\)/);
  const inside = await clearDf(net.client, ['probe', SERVER, '--from', '127.0.0.1']);
  expect(inside.exitCode).toBe(4);
  expect(inside.stderr).toMatch(
    /send to 10\.0\.1\.2 from 127\.0\.0\.1: the kernel rejects it \(EINVAL\)\nhint: ip route get/,
  );
});

describe('where nothing is known', () => {
  it('because nobody answers', async () => {
    const { exitCode, stdout } = await clearDf(net.client, ['probe', '10.0.1.77', ...QUICK]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/10\.0\.1\.77 does not answer even 64 bytes/);
  });

  it('because there is no route', async () => {
    await net.client.ip('route', 'delete', 'default');
    const { exitCode, stderr } = await clearDf(net.client, ['probe', SERVER]);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/send to 10\.0\.1\.2: this host has no route there \(ENETUNREACH\)\nhint: ip route get/);
  });

  it('because this process may not open a raw socket', async () => {
    const without = ['--bounding-set=-net_raw', '--inh-caps=-net_raw', process.execPath, MAIN, 'probe', SERVER];
    const { exitCode, stderr, stdout } = await net.client.try('setpriv', without);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toMatch(/open a raw socket: this process does not have CAP_NET_RAW \(EPERM\)\nhint: run it as root/);
  });
});

it('Ctrl-C ends it while it waits', async () => {
  const capture = await Capture.start(net.client, 'eth0', ['icmp']);
  const running = net.client.spawn(process.execPath, [MAIN, 'probe', '10.0.1.77', '--timeout', '60']);
  await capture.finish(1);
  expect(running.ended).toBeUndefined();
  // Far less than the minute that it would wait.
  expect(await running.stop('SIGINT')).toMatchObject({ signal: 'SIGINT' });
});
