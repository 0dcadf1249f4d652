/** What systemd keeps from a process that stays: systemd.exec(5), systemd.resource-control(5). */

/** Of Node: without its compiler no page is ever both written and executed. */
export const CONFINED_NODE = ['--jitless', '--no-expose-wasm'] as const;
/** The same of the single file, which takes no words of Node's. */
export const CONFINED_SINGLE = ['/usr/bin/env', 'NODE_OPTIONS=--jitless'] as const;

/** The queue, rules and devices; iptables-legacy; the program in the kernel. */
const CAPABILITIES = 'CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_PERFMON';

/** What everything that stays can do without. */
const EVERYWHERE = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  // /run/clear-df, and the lock of iptables.
  'ReadWritePaths=/run',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'PrivateMounts=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelTunables=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  // Holds with CONFINED_NODE only.
  'MemoryDenyWriteExecute=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged',
  // Measured: nothing that stays, or that it runs, calls any of these.
  'SystemCallFilter=~@aio @keyring @memlock @setuid',
  'SystemCallFilter=bpf',
  'SystemCallErrorNumber=EPERM',
  'KeyringMode=private',
  'LimitCORE=0',
  // Maps of the program, on kernels before 5.11.
  'LimitMEMLOCK=infinity',
  'UMask=0077',
] as const;

/** A tunnel: site and key files may be anyone's; who else runs for it is read off /proc, what is built in off /lib/modules. */
export const CONFINED_TUNNEL: readonly string[] = [
  `CapabilityBoundingSet=${CAPABILITIES} CAP_DAC_READ_SEARCH`,
  'ProtectHome=read-only',
  ...EVERYWHERE,
];

/** The queue alone. */
export const CONFINED_QUEUE: readonly string[] = [
  `CapabilityBoundingSet=${CAPABILITIES}`,
  'ProtectHome=yes',
  'ProtectKernelModules=yes',
  // Root's group sees what is invisible.
  'ProtectProc=ptraceable',
  '# Statistics on another address than 127.0.0.1 or ::1 need it here, too.',
  'IPAddressDeny=any',
  'IPAddressAllow=localhost',
  ...EVERYWHERE,
];
