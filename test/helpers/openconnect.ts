/**
 * OpenConnect on router A (tun0, 10.99.0.2), ocserv on router B (vpns0, 10.99.0.1): TLS and DTLS on port 443. When the
 * client ends, ocserv takes its own device away as well.
 */
import path from 'node:path';
import { type Article, ROUTER_B } from './article.js';
import { selfSigned } from './certificates.js';
import type { Namespace } from './netns.js';
import type { Running } from './running.js';
import { ping } from './traffic.js';
import { until } from './until.js';
import type { Vpn } from './vpn.js';

const PORT = 443;
const DEVICE = 'tun0';
const [INNER_A, INNER_B] = ['10.99.0.2', '10.99.0.1'];
const [USER, PASSWORD] = ['router-a', 'of no consequence'];
const MINUTE = 60_000;

/** ocserv.conf(5) */
function configuration(folder: string, certificate: string, key: string): string {
  return [
    `auth = "plain[passwd=${folder}/passwd]"`,
    `tcp-port = ${PORT}`,
    `udp-port = ${PORT}`,
    'run-as-user = nobody',
    'run-as-group = nogroup',
    // Its workers are nobody, and may not look into the folder.
    `socket-file = /run/ocserv-${path.basename(folder)}`,
    `server-cert = ${certificate}`,
    `server-key = ${key}`,
    'isolate-workers = false',
    'use-occtl = false',
    // Of the link: what is left of it for the device, both ends agree on.
    'mtu = 1400',
    'device = vpns',
    'ipv4-network = 10.99.0.0',
    'ipv4-netmask = 255.255.255.0',
    'route = 10.99.0.0/24',
    `config-per-user = ${folder}/users`,
    'cisco-client-compat = true',
    '',
  ].join('\n');
}

async function serve(at: Namespace): Promise<{ pin: string }> {
  const folder = await at.lab.scratch();
  const { certificate, key } = await selfSigned(at, 'ocserv');
  await at.machine.writeFile(`${folder}/ocserv.conf`, configuration(folder, certificate, key));
  await at.machine.writeFile(`${folder}/users/${USER}`, `explicit-ipv4 = ${INNER_A}\n`);
  await at.feed(`${PASSWORD}\n`, 'ocpasswd', ['-c', `${folder}/passwd`, USER]);
  at.spawn('ocserv', ['--foreground', '--config', `${folder}/ocserv.conf`]);
  await until('ocserv listens', async () => (await at.exec('ss', ['-Hltn', `sport = ${PORT}`])) !== '');
  const digest =
    `openssl x509 -in ${certificate} -pubkey -noout | openssl pkey -pubin -outform der | ` +
    'openssl dgst -sha256 -binary | openssl base64';
  return { pin: `pin-sha256:${await at.exec('sh', ['-c', digest])}` };
}

export async function openconnect({ rA, rB }: Article): Promise<Vpn> {
  const { pin } = await serve(rB);
  const folder = await rA.lab.scratch();
  await rA.machine.writeFile(`${folder}/password`, `${PASSWORD}\n`, 0o600);
  let client: Running | undefined;
  const start = async (): Promise<void> => {
    const words = ['--protocol=anyconnect', '-u', USER, '--passwd-on-stdin', '--servercert', pin, '-i', DEVICE];
    const command = `exec openconnect "$@" <${folder}/password`;
    client = rA.spawn('sh', ['-c', command, 'sh', ...words, `https://${ROUTER_B}`]);
    await client.says(/DTLS connected/, MINUTE);
    const answers = async () => (await ping(rA, INNER_B, { size: 56, count: 1, patience: 1 })).received === 1;
    await until('OpenConnect answers', answers, MINUTE);
  };
  await start();
  const { mtu } = (JSON.parse(await rA.ip('-j', 'link', 'show', DEVICE)) as [{ mtu: number }])[0];
  return {
    ...{ a: { device: DEVICE, address: INNER_A }, b: { device: 'vpns0', address: INNER_B }, mtu, start },
    filter: `port ${PORT}`,
    // Logs off, so that the other end forgets it at once.
    stop: async () => void (await client?.stop('SIGINT')),
  };
}
