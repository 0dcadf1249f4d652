/** Sites with IKE, and what strongSwan 5.9.8 printed on kernel 6.1 between the ends of one, without plugins' complaints. */
import type { IkeFacts } from '../../src/tunnel/facts.js';
import type { IkeSite } from '../../src/tunnel/carriers/ike/names.js';
import type { IkeSpec, TunnelSpec } from '../../src/tunnel/site/site.js';
import { espCarrier, site } from './tunnel-samples.js';

export const PSK: IkeSpec = {
  proof: { kind: 'psk', file: '/etc/clear-df/site-a.psk' },
  ...{ localId: undefined, remoteId: undefined, rekey: 3600 },
};
export const CERTIFICATE: IkeSpec = {
  proof: { kind: 'certificate', certificate: '/etc/a.pem', key: '/etc/a.key', authority: '/etc/ca.pem' },
  ...{ localId: 'a.example', remoteId: 'router-b@example.com', rekey: 20 },
};
export const SECRET = '5365637265742d5365637265742d3432';

export const VXLAN: TunnelSpec = { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 };
export const L2TP: TunnelSpec = {
  ...{ type: 'l2tp', name: 'l2tp1', encapsulation: 'ip', sublayer: 'default', cookie: undefined },
  ...{ tunnelId: 7, peerTunnelId: 7, sessionId: 7, peerSessionId: 7, port: 1701, peerPort: 1701 },
};

/** Router A of the article, with ESP and IKE. */
export function ikeSite(ike: IkeSpec, mode: 'transport' | 'tunnel' = 'transport'): IkeSite {
  return site({ carrier: espCarrier({ keys: 'ike', mode, ike }) }) as IkeSite;
}

/** A charon that answers and knows nothing. */
export function ikeFacts(parts: Partial<IkeFacts> = {}): IkeFacts {
  return {
    silent: undefined,
    connections: [],
    associations: [],
    messages: new Map(),
    files: new Map(),
    boot: 'b00t',
    ...parts,
  };
}

export const LIST_CONNS = `list-conn event {
  clear-df-site-a {
    local_addrs = [
      192.168.200.1
    ]
    remote_addrs = [
      172.16.0.1
    ]
    version = IKEv2
    reauth_time = 0
    rekey_time = 14400
    unique = UNIQUE_NEVER
    dpd_delay = 10
    local-1 {
      id = 192.168.200.1
      class = pre-shared key
      groups = [
      ]
      cert_policy = [
      ]
      certs = [
      ]
      cacerts = [
      ]
    }
    remote-1 {
      id = 172.16.0.1
      class = pre-shared key
      groups = [
      ]
      cert_policy = [
      ]
      certs = [
      ]
      cacerts = [
      ]
    }
    children {
      clear-df-site-a {
        mode = TRANSPORT
        rekey_time = 20
        rekey_bytes = 0
        rekey_packets = 0
        dpd_action = trap
        close_action = trap
        local-ts = [
          dynamic[gre]
        ]
        remote-ts = [
          dynamic[gre]
        ]
      }
    }
  }
}
list-conns reply {
}
`;

export const LIST_SAS = `list-sa event {
  clear-df-site-a {
    uniqueid = 3
    version = 2
    state = ESTABLISHED
    local-host = 192.168.200.1
    local-port = 500
    local-id = 192.168.200.1
    remote-host = 172.16.0.1
    remote-port = 500
    remote-id = 172.16.0.1
    initiator = yes
    initiator-spi = 5d80fbf03320b13a
    responder-spi = 8b135460e609fc68
    encr-alg = AES_GCM_16
    encr-keysize = 256
    prf-alg = PRF_HMAC_SHA2_384
    dh-group = ECP_384
    established = 27
    rekey-time = 14271
    child-sas {
      clear-df-site-a-3 {
        name = clear-df-site-a
        uniqueid = 3
        reqid = 3295
        state = INSTALLED
        mode = TRANSPORT
        protocol = ESP
        spi-in = cd4accd6
        spi-out = c7111ad7
        encr-alg = AES_GCM_16
        encr-keysize = 256
        bytes-in = 0
        packets-in = 0
        bytes-out = 0
        packets-out = 0
        rekey-time = 17
        life-time = 79
        install-time = 3
        local-ts = [
          192.168.200.1/32[gre]
        ]
        remote-ts = [
          172.16.0.1/32[gre]
        ]
      }
    }
  }
}
list-sas reply {
}
`;

export const NO_SAS = `list-sas reply {
}
`;

/** After two attempts that were refused, and one before the other end had the connection. */
export const COUNTERS = `clear-df-site-a:
  ike-rekey-init        : 0
  ike-rekey-resp        : 0
  child-rekey           : 0
  invalid               : 0
  invalid-spi           : 0
  ike-init-in-req       : 0
  ike-init-in-resp      : 3
  ike-init-out-req      : 3
  ike-init-out-resp     : 0
  ike-auth-in-req       : 0
  ike-auth-in-resp      : 2
  ike-auth-out-req      : 2
  ike-auth-out-resp     : 0
  create-child-in-req   : 0
  create-child-in-resp  : 0
  create-child-out-req  : 0
  create-child-out-resp : 0
  info-in-req           : 0
  info-in-resp          : 0
  info-out-req          : 0
  info-out-resp         : 0
`;

/** `swanctl --initiate`: the other end has no such connection yet. */
export const NO_PROPOSAL = `[IKE] initiating IKE_SA clear-df-site-a[1] to 172.16.0.1
[ENC] generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]
[NET] sending packet: from 192.168.200.1[500] to 172.16.0.1[500] (296 bytes)
[NET] received packet: from 172.16.0.1[500] to 192.168.200.1[500] (36 bytes)
[ENC] parsed IKE_SA_INIT response 0 [ N(NO_PROP) ]
[IKE] received NO_PROPOSAL_CHOSEN notify error
initiate failed: establishing CHILD_SA 'clear-df-site-a' failed`;

/** `swanctl --initiate`: the other end has another secret. */
export const WRONG_SECRET = `[IKE] initiating IKE_SA clear-df-site-a[2] to 172.16.0.1
[ENC] generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]
[NET] sending packet: from 192.168.200.1[500] to 172.16.0.1[500] (296 bytes)
[NET] received packet: from 172.16.0.1[500] to 192.168.200.1[500] (304 bytes)
[ENC] parsed IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(CHDLESS_SUP) N(MULT_AUTH) ]
[CFG] selected proposal: IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384
[IKE] authentication of '192.168.200.1' (myself) with pre-shared key
[IKE] establishing CHILD_SA clear-df-site-a{2}
[ENC] generating IKE_AUTH request 1 [ IDi IDr AUTH N(USE_TRANSP) SA TSi TSr N(MULT_AUTH) N(EAP_ONLY) N(MSG_ID_SYN_SUP) ]
[NET] sending packet: from 192.168.200.1[500] to 172.16.0.1[500] (253 bytes)
[NET] received packet: from 172.16.0.1[500] to 192.168.200.1[500] (65 bytes)
[ENC] parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]
[IKE] received AUTHENTICATION_FAILED notify error
initiate failed: establishing CHILD_SA 'clear-df-site-a' failed`;
