/** OpenVPN between the article's routers, UDP, two points: tun7 on both, 10.98.0.1 and 10.98.0.2. */
import { type Article, ROUTER_A, ROUTER_B } from './article.js';
import { selfSigned } from './certificates.js';
import type { Running } from './running.js';
import { ping } from './traffic.js';
import { until } from './until.js';
import type { Vpn } from './vpn.js';

const PORT = '1194';
const DEVICE = 'tun7';
const [INNER_A, INNER_B] = ['10.98.0.1', '10.98.0.2'];
/** Small enough for what OpenVPN puts around to fit 1500. */
const MTU = 1400;
const MINUTE = 60_000;

export async function openvpn({ rA, rB }: Article): Promise<Vpn> {
  const [certA, certB] = [await selfSigned(rA, 'openvpn-a'), await selfSigned(rB, 'openvpn-b')];
  const common = ['--dev', DEVICE, '--dev-type', 'tun', '--proto', 'udp', '--lport', PORT, '--rport', PORT];
  const alive = ['--ping', '1', '--ping-restart', '10'];
  const b = rB.spawn('openvpn', [
    ...[...common, ...alive, '--tun-mtu', String(MTU), '--local', ROUTER_B, '--remote', ROUTER_A],
    ...['--tls-server', '--dh', 'none', '--cert', certB.certificate, '--key', certB.key],
    ...['--peer-fingerprint', certA.fingerprint, '--ifconfig', INNER_B, INNER_A],
  ]);
  let a: Running | undefined;
  const start = async (mtu = MTU): Promise<void> => {
    a = rA.spawn('openvpn', [
      ...[...common, ...alive, '--tun-mtu', String(mtu), '--local', ROUTER_A, '--remote', ROUTER_B],
      ...['--tls-client', '--cert', certA.certificate, '--key', certA.key],
      ...['--peer-fingerprint', certB.fingerprint, '--ifconfig', INNER_A, INNER_B],
    ]);
    await a.says(/Initialization Sequence Completed/, MINUTE);
    const answers = async () => (await ping(rA, INNER_B, { size: 56, count: 1, patience: 1 })).received === 1;
    await until('OpenVPN answers', answers, MINUTE);
  };
  await start();
  await b.says(/Initialization Sequence Completed/);
  return {
    ...{ a: { device: DEVICE, address: INNER_A }, b: { device: DEVICE, address: INNER_B }, mtu: MTU, start },
    filter: `udp port ${PORT}`,
    stop: async () => void (await a?.stop()),
  };
}
