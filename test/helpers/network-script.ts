/** The shell that makes namespaces and links: in as few processes as it takes, most of what a short test costs. */

/** One end of a veth link. */
export interface End<At = string> {
  /** The namespace, or its name. */
  at: At;
  dev: string;
  /** With prefix length: `10.0.0.1/24`. */
  address?: string;
  mtu?: number;
}

export type Link = readonly [End, End];

/** What a namespace is made with. */
export interface Made {
  sysctl?: Record<string, number | string>;
  /** Commands of `ip` without the `ip`, when its links are up. */
  ip?: readonly string[];
}

/** Commands of `ip` as one process; in no namespace, or in that of a name. Stops at the first that fails. */
function batch(lines: readonly string[], name?: string): string {
  return `ip ${name === undefined ? '' : `-netns ${name} `}-batch - <<'IP'\n${lines.join('\n')}\nIP\n`;
}

/** Kernel parameters, by no process at all. */
function parameters(values: Record<string, number | string>): string {
  return Object.entries(values)
    .map(([key, value]) => `echo ${value} >/proc/sys/${key.replaceAll('.', '/')}\n`)
    .join('');
}

/** IPv6 off before any device is up, so that captures hold only what a test sends. */
const NO_IPV6 = { 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 };

function veth([left, right]: Link): string {
  return `link add ${left.dev} netns ${left.at} type veth peer name ${right.dev} netns ${right.at}`;
}

function endUp({ dev, address, mtu }: End): string[] {
  return [
    ...(address === undefined ? [] : [`address add ${address} dev ${dev}`]),
    ...(mtu === undefined ? [] : [`link set ${dev} mtu ${mtu}`]),
    `link set ${dev} up`,
  ];
}

/** Makes namespaces, named as `ip netns` shows them, with `lo` up and IPv6 off, and links between them, both ends up. */
export function networkScript(namespaces: Record<string, Made>, links: readonly Link[]): string {
  const names = Object.keys(namespaces);
  const inside = Object.entries(namespaces).map(([name, { sysctl, ip = [] }]) => {
    const ends = links.flat().filter(({ at }) => at === name);
    const lines = ['link set lo up', ...ends.flatMap(endUp), ...ip];
    // By bash: in a guest `sh` is busybox's, which takes its own `ip` before that of the PATH.
    const script = `${parameters({ ...NO_IPV6, ...sysctl })}${batch(lines)}`;
    return `ip netns exec ${name} bash -e <<'INSIDE'\n${script}INSIDE\n`;
  });
  return [batch([...names.map((name) => `netns add ${name}`), ...links.map(veth)]), ...inside].join('');
}

/** Makes a link between namespaces that are there; both ends up. */
export function linkScript(link: Link): string {
  return [batch([veth(link)]), ...link.map((end) => batch(endUp(end), end.at))].join('');
}
