/** How each block of the documents is shown to be true. One that stands in no line here fails the tests. */

/** `run`: each line in a namespace, as printed. `site`, `net`, `carrier`, `config`, `unit`, `script`: read by what reads it. */
type Shown =
  | 'run'
  | 'site'
  | 'net'
  | 'carrier'
  | 'config'
  | 'unit'
  | 'script'
  | 'drawing'
  /** Too slow for each run of the tests: doc-install.more.ts. */
  | 'install'
  /** By another test, or by nothing that a test may do. */
  | { test: string; why: string };

export interface DocEntry {
  file: string;
  /** A line, or a part of one, that this block of the file has and no other. */
  has: string;
  shown: Shown;
}

const by = (test: string, why: string): Shown => ({ test, why });
const article = by('test/lab/article.more.ts', 'needs gretap devices, and two routers: a guest');
const wholeSuite = by('scripts/test.ts', 'runs the tests themselves: none can run inside of one');
const wholeLab = by('scripts/lab.ts', 'boots guests, for minutes: the tier lab is made of it');
const wholeBench = by('test/netns/bench.test.ts', 'measures for minutes; the test takes a round of each part');
const ladder = by('scripts/check-layers.ts', 'the ladders at its top are what is proven; these lines are for people');
const service = by('test/netns/systemd.more.ts', 'needs systemd as pid 1');
const sample = (test: string): Shown => by(test, 'what a command prints; the test holds its words');

export const DOC_TABLE: readonly DocEntry[] = [
  { file: 'README.md', has: '# clear-df --queue 0 --install-rules --hook bridge', shown: 'run' },
  { file: 'README.md', has: 'host A ── eth0 router A eth1', shown: 'drawing' },
  { file: 'README.md', has: 'bridge: { ports: [eth0] }', shown: 'site' },
  { file: 'README.md', has: 'hostA$ ping -c 3', shown: article },
  { file: 'README.md', has: "from 'clear-df'; //", shown: 'script' },
  { file: 'README.md', has: 'npm run demo', shown: 'install' },
  { file: 'README.md', has: 'npm pack', shown: 'install' },
  { file: 'docs/quickstart.md', has: 'host A ── eth0 router A eth1', shown: 'drawing' },
  { file: 'docs/quickstart.md', has: 'bridge: { ports: [eth0] }', shown: 'site' },
  { file: 'docs/quickstart.md', has: 'hostA$ ping -c 3', shown: article },
  { file: 'docs/quickstart.md', has: '# clear-df doctor', shown: article },
  { file: 'docs/quickstart.md', has: '# clear-df probe 10.32.0.111', shown: article },
  {
    file: 'docs/quickstart.md',
    has: '# clear-df trace --from',
    shown: by('test/lab/trace.more.ts', 'needs a gretap: a guest'),
  },
  { file: 'docs/quickstart.md', has: 'npm run demo', shown: 'install' },
  {
    file: 'docs/quickstart.md',
    has: '6. clear-df is asked to end',
    shown: sample('test/examples/doc-install.more.ts'),
  },
  { file: 'docs/install.md', has: 'npm run build:deb', shown: by('test/pack/deb.more.ts', 'builds and installs it') },
  { file: 'docs/install.md', has: 'clear-df.yaml.example', shown: service },
  {
    file: 'docs/install.md',
    has: 'clear-df-tunnel@site-a',
    shown: by('test/unit/units.test.ts', 'needs gretap devices and systemd; the test has systemd judge the unit'),
  },
  {
    file: 'docs/install.md',
    has: 'npm explore clear-df',
    shown: by('test/pack/pack.test.ts', 'needs an installed package'),
  },
  {
    file: 'docs/install.md',
    has: 'npm run build:single',
    shown: by('test/pack/single.more.ts', 'builds it, and runs it'),
  },
  { file: 'docs/install.md', has: 'clear-df completion bash', shown: sample('test/unit/cli-reference.test.ts') },
  { file: 'docs/running.md', has: '[Unit]', shown: 'unit' },
  { file: 'docs/running.md', has: 'clear-df rules remove', shown: 'run' },
  { file: 'docs/running.md', has: 'install-rules: true', shown: 'config' },
  { file: 'docs/running.md', has: 'DynamicUser=yes', shown: service },
  { file: 'docs/library.md', has: "from 'clear-df'; //", shown: 'script' },
  { file: 'docs/library.md', has: "from 'clear-df/plan'", shown: 'script' },
  { file: 'CONTRIBUTING.md', has: 'npm run demo', shown: wholeSuite },
  { file: 'CONTRIBUTING.md', has: 'npm test -- unit native', shown: wholeSuite },
  { file: 'CONTRIBUTING.md', has: 'errors < counters', shown: ladder },
  { file: 'CONTRIBUTING.md', has: 'clock < netlink < packet < queue', shown: ladder },
  { file: 'CONTRIBUTING.md', has: 'record < page', shown: ladder },
  { file: 'docs/architecture.md', has: '  cli --> commands', shown: ladder },
  { file: 'docs/architecture.md', has: '  node --> kernel', shown: ladder },
  { file: 'docs/bench.md', has: 'npm run bench -- --check', shown: wholeBench },
  { file: 'docs/bench.md', has: 'sender eth0 ──', shown: 'drawing' },
  { file: 'docs/carriers.md', has: 'keys: /etc/clear-df/site-a.keys', shown: 'carrier' },
  { file: 'docs/carriers.md', has: 'underlay: wg0', shown: 'site' },
  {
    file: 'docs/doctor.md',
    has: 'clear-df doctor --fix',
    shown: by('test/netns/doctor-fix.test.ts', 'it needs a machine with faults'),
  },
  { file: 'docs/doctor.md', has: 'bridge-nf-call-iptables: off', shown: sample('test/unit/doctor.test.ts') },
  { file: 'docs/doctor.md', has: '# clear-df probe 172.16.0.1', shown: by('test/netns/probe.test.ts', 'needs a path') },
  { file: 'docs/fast-path.md', has: 'tc ingress or egress (BPF)', shown: 'drawing' },
  {
    file: 'docs/fast-path.md',
    has: 'fastPath: { devices',
    shown: by('test/addon/library-fast-path.test.ts', 'programs clear what leaves by the devices'),
  },
  {
    file: 'docs/fast-path.md',
    has: 'clear-df.prom.new',
    shown: by('test/netns/fast-path.test.ts', 'stays and goes on clearing'),
  },
  { file: 'docs/ike.md', has: 'rekey: 3600', shown: 'carrier' },
  { file: 'docs/ike.md', has: 'FILE --libreswan', shown: 'run' },
  { file: 'docs/ike.md', has: 'AUTHENTICATION_FAILED', shown: sample('test/unit/ike-words.test.ts') },
  { file: 'docs/lab.md', has: 'npm run lab -- --keep', shown: wholeLab },
  { file: 'docs/lab.md', has: '--shell --kernel 6.1\n', shown: wholeLab },
  { file: 'docs/lab.md', has: '--story matrix', shown: wholeLab },
  {
    file: 'docs/monitoring.md',
    has: 'job_name: clear-df',
    shown: by('test/unit/fleet.test.ts', 'an excerpt of another program; its rules are judged there'),
  },
  {
    file: 'docs/monitoring.md',
    has: '--check --diff',
    shown: by('test/unit/fleet-ansible.more.ts', 'needs ansible-core and routers; the test checks the syntax'),
  },
  { file: 'docs/net.md', has: 'shape: mesh', shown: 'net' },
  { file: 'docs/net.md', has: 'net write office.net.yaml', shown: 'run' },
  {
    file: 'docs/net.md',
    has: '--against /etc/clear-df',
    shown: by('test/unit/net-write.test.ts', 'on a router; the test has a folder in its place'),
  },
  {
    file: 'docs/scale.md',
    has: 'bench --here --gbps',
    shown: by('test/netns/bench-here.test.ts', 'takes half a minute'),
  },
  { file: 'docs/scale.md', has: '--seconds 0.5 --out', shown: wholeBench },
  { file: 'docs/trace.md', has: 'clear-df trace ... --json', shown: by('test/netns/trace.test.ts', 'needs traffic') },
  { file: 'docs/trace.md', has: 'icmp, 1500 bytes  x3', shown: sample('test/unit/trace/article.test.ts') },
  { file: 'docs/trace.md', has: 'icmp, 84 bytes  (echo-request', shown: sample('test/unit/trace/article.test.ts') },
  { file: 'docs/tunnel.md', has: 'cookie: site.cookies', shown: 'site' },
  { file: 'docs/tunnel.md', has: 'remote: site-b.example', shown: 'site' },
  { file: 'docs/tunnel.md', has: '▲', shown: 'drawing' },
  { file: 'docs/tunnel.md', has: 'engine nfqueue: as planned', shown: sample('test/unit/tunnel-mangler.test.ts') },
  {
    file: 'docs/tunnel.md',
    has: 'rm /etc/clear-df/site-a.keys',
    shown: by('test/lab/esp.more.ts', 'needs gretap: a guest'),
  },
  { file: 'docs/fragment-inner.md', has: 'host A ── 1500', shown: 'drawing' },
  {
    file: 'docs/fragment-inner.md',
    has: 'do not pass outbound',
    shown: sample('test/unit/tunnel-fragment-inner.test.ts'),
  },
  { file: 'docs/fragment-inner.md', has: 'path-mtu: 1400 #', shown: 'site' },
  {
    file: 'docs/fragment-inner.md',
    has: 'table bridge too_big',
    shown: by('test/netns/fragment-inner.more.ts', 'needs the tunnel that it is for'),
  },
  { file: 'docs/fragment-inner.md', has: '--gso off', shown: 'run' },
];

/** Lines of `run` blocks that are shown elsewhere. */
export const LINES_ELSEWHERE: Readonly<Record<string, string>> = {
  'clear-df bench --here': 'test/netns/bench-here.test.ts',
  'clear-df top': 'test/netns/top.test.ts',
};
