/** An L2TPv3 tunnel and the session in it, without a control connection; a cookie is never on a command line. */
import { sha256 } from '../../net/sha256.js';
import { kindText, type L2tpSession, type L2tpTunnelFact, linkOf } from '../facts.js';
import type { Item } from '../item.js';
import type { Cookies } from '../keys.js';
import type { L2tpTunnel } from '../site/site.js';

interface TunnelOptions {
  local: string;
  remote: string;
  reason: string;
}

export function l2tpTunnelItem(spec: L2tpTunnel, { local, remote, reason }: TunnelOptions): Item {
  const { encapsulation, tunnelId, peerTunnelId, port, peerPort } = spec;
  const id = String(tunnelId);
  const ports = encapsulation === 'ip' ? [] : ['udp_sport', String(port), 'udp_dport', String(peerPort)];
  const remove = ['ip', 'l2tp', 'del', 'tunnel', 'tunnel_id', id];
  return {
    kind: 'l2tp-tunnel',
    key: `l2tp-tunnel ${id}`,
    desired: `there is L2TPv3 tunnel ${id} from ${local} to ${remote}, ${encapsulation === 'ip' ? 'IP protocol 115' : `UDP ${port} to ${peerPort}`}`,
    reason,
    status({ l2tp }) {
      const found = l2tp?.tunnels.find((one) => one.id === tunnelId);
      if (found === undefined) return { state: 'differs', observed: 'there is none' };
      if (sameTunnel(found, spec, { local, remote })) return { state: 'in-sync' };
      const by = found.encapsulation === 'ip' ? 'IP' : `UDP ${found.port} to ${found.peerPort}`;
      const observed = `tunnel ${id} goes from ${found.local} to ${found.remote} by ${by}, the other end's number is ${found.peerId}`;
      return { state: 'conflict', observed, hint: `another tunnel-id; or, if it is not in use: ${remove.join(' ')}` };
    },
    apply: () => [
      {
        argv: [
          ...['ip', 'l2tp', 'add', 'tunnel', 'tunnel_id', id, 'peer_tunnel_id', String(peerTunnelId)],
          ...['encap', encapsulation, 'local', local, 'remote', remote, ...ports],
        ],
      },
    ],
    undo: ({ l2tp }) =>
      l2tp?.tunnels.some((one) => one.id === tunnelId) === true ? [] : [{ argv: remove, mayFail: true }],
  };
}

/** Whether a tunnel of the machine is the one that a site wants. */
export function sameTunnel(
  found: L2tpTunnelFact,
  { encapsulation, peerTunnelId, port, peerPort }: L2tpTunnel,
  { local, remote }: { local: string; remote: string },
): boolean {
  const ports = encapsulation === 'ip' || (found.port === port && found.peerPort === peerPort);
  const ends = found.local === local && found.remote === remote;
  return ends && ports && found.encapsulation === encapsulation && found.peerId === peerTunnelId;
}

interface SessionOptions {
  cookies: Cookies | undefined;
  /** Where they come from, for people. */
  keyFile: string | undefined;
  reason: string;
}

export function l2tpSessionItem(spec: L2tpTunnel, { cookies, keyFile, reason }: SessionOptions): Item {
  const { name, tunnelId, sessionId, peerSessionId, sublayer } = spec;
  const names = ['tunnel_id', String(tunnelId), 'session_id', String(sessionId)];
  const words = (own: readonly string[]) => [
    ...['l2tp', 'add', 'session', 'name', name, ...names, 'peer_session_id', String(peerSessionId)],
    ...own,
    ...(sublayer === 'none' ? ['l2spec_type', 'none'] : []),
  ];
  const remove = ['ip', 'l2tp', 'del', 'session', ...names];
  const digest = cookies === undefined ? '' : cookiesDigest(cookies);
  return {
    kind: 'l2tp-session',
    key: `l2tp-session ${sessionId}`,
    desired: `${name} is L2TPv3 session ${sessionId} of tunnel ${tunnelId}${cookies === undefined ? '' : ', with cookies'}`,
    reason,
    status(facts) {
      const found = facts.l2tp?.sessions.find((one) => one.id === sessionId);
      if (found === undefined) {
        const link = linkOf(facts, name);
        if (link === undefined) return { state: 'differs', observed: 'there is none' };
        const hint = `choose another tunnel.name; or, if it is not in use: ip link delete dev ${name}`;
        return { state: 'conflict', observed: `${name} is ${kindText(link)} already`, hint };
      }
      const differs = differences(found, spec, digest, keyFile);
      if (differs.length === 0) return { state: 'in-sync' };
      const hint = `clear-df tunnel down, if it is ours; otherwise another session-id, or: ${remove.join(' ')}`;
      return { state: 'conflict', observed: `session ${sessionId}: ${differs.join(', ')}`, hint };
    },
    apply: () =>
      cookies === undefined
        ? [{ argv: ['ip', ...words([])] }]
        : [
            {
              argv: ['ip', '-batch', '-'],
              // `cookie` is put into what leaves, `peer_cookie` compared with what arrives (`l2tp_recv_common`).
              input: `${words(['cookie', cookies.out, 'peer_cookie', cookies.in]).join(' ')}\n`,
              shown: `${words(['cookie', hidden(cookies.out), 'peer_cookie', hidden(cookies.in)]).join(' ')}\n`,
            },
          ],
    undo: (facts) =>
      facts.l2tp?.sessions.some((one) => one.id === sessionId) === true ? [] : [{ argv: remove, mayFail: true }],
  };
}

function hidden(cookie: string): string {
  return `<${cookie.length * 4}-bit-cookie-from-the-key-file>`;
}

function differences(
  found: L2tpSession,
  { name, tunnelId, peerSessionId }: L2tpTunnel,
  digest: string,
  keyFile: string | undefined,
): string[] {
  const cookies =
    keyFile === undefined
      ? 'it has cookies'
      : found.digest === ''
        ? 'it has no cookies'
        : `its cookies are not those of ${keyFile}`;
  return [
    ...(found.name === name ? [] : [`its device is ${found.name}`]),
    ...(found.tunnelId === tunnelId ? [] : [`it is in tunnel ${found.tunnelId}`]),
    ...(found.peerId === peerSessionId ? [] : [`the other end's number is ${found.peerId}`]),
    ...(found.digest === digest ? [] : [cookies]),
  ];
}

/** Two sessions have the same cookies when their digests are equal; the cookies go. Hexadecimal digits. */
export function cookiesDigest({ out, in: inbound }: Cookies): string {
  return sha256(`${out.toLowerCase()} ${inbound.toLowerCase()}`);
}
