/** What tshark thinks of the checksums of a capture. */
import { execa } from 'execa';

/** tshark's word for a checksum: 0 bad, 1 good, 2 not checked, 3 not there; outermost first. */
export interface Checksums {
  ip: string[];
  tcp: string[];
  udp: string[];
  /** Those that the rules have nothing to do with. */
  other: string[];
}

const CHECKED = ['ip', 'tcp', 'udp'];
const FIELDS = [...CHECKED, 'icmp', 'gre', 'sctp'].map((protocol) => `${protocol}.checksum.status`);

/** One entry per frame. Nothing is put together: each frame is judged alone. */
export async function checksums(file: string): Promise<Checksums[]> {
  const preferences = [
    ...CHECKED.map((protocol) => `${protocol}.check_checksum:TRUE`),
    'ip.defragment:FALSE',
    'tcp.desegment_tcp_streams:FALSE',
    'sctp.checksum:TRUE',
  ].flatMap((preference) => ['-o', preference]);
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const layout = ['separator=;', 'aggregator=,', 'occurrence=a'].flatMap((option) => ['-E', option]);
  const { stdout } = await execa('tshark', ['-n', '-r', file, ...preferences, '-T', 'fields', ...layout, ...fields], {
    env: { LC_ALL: 'C' },
    maxBuffer: 1 << 28,
  });
  return stdout.split('\n').map((line) => {
    const [ip = [], tcp = [], udp = [], ...other] = line
      .split(';')
      .map((values) => (values === '' ? [] : values.split(',')));
    return { ip, tcp, udp, other: other.flat() };
  });
}
