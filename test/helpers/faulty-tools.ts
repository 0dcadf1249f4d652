/**
 * Firewall and network tools that fail, or hang, when they are told to, and otherwise are what they are: put first in
 * PATH. Each fault is for the next start of one tool, and then used up.
 */
import type { Namespace } from './netns.js';
import { until } from './until.js';

export const TOOLS = [
  ...['ip', 'nft', 'iptables-legacy-save', 'iptables-legacy-restore'],
  ...['iptables-nft-save', 'iptables-nft-restore'],
] as const;
export type Tool = (typeof TOOLS)[number];

/** `fail`: with words and exit code 4; `hang`: for ever; `hang-inside`: a wrapper that waits for what it has started. */
export type Fault = 'fail' | 'hang' | 'hang-inside';

/** Whoever takes the file of a fault away has it. `taken.PID` tells who that was. */
const SCRIPT = `#!/bin/sh
folder=\${0%/*/*}
name=\${0##*/}
for fault in "$folder/$name".fault.*; do
  mv "$fault" "$folder/taken.$$" 2>/dev/null || continue
  case $fault in
    *.fail) echo "$name: cannot allocate memory" >&2; exit 4 ;;
    *.hang) exec sleep 100000 ;;
    *.hang-inside) sleep 100000; exit 4 ;;
  esac
done
for real in /usr/local/sbin /usr/sbin /sbin /usr/bin /bin; do
  [ -x "$real/$name" ] && exec "$real/$name" "$@"
done
exit 127
`;

export class FaultyTools {
  #faults = 0;

  private constructor(
    private readonly at: Namespace,
    private readonly folder: string,
  ) {}

  static async create(at: Namespace): Promise<FaultyTools> {
    const folder = await at.machine.scratch('faulty-tools-');
    for (const name of TOOLS) await at.machine.writeFile(`${folder}/bin/${name}`, SCRIPT, 0o755);
    return new FaultyTools(at, folder);
  }

  /** What the program is to be started with that is to meet them. */
  get environment(): Record<string, string> {
    return { PATH: `${this.folder}/bin:${process.env['PATH'] ?? ''}` };
  }

  /** The next starts of `tool` go wrong, one for each fault. */
  async arm(tool: Tool, ...faults: Fault[]): Promise<void> {
    for (const fault of faults) {
      this.#faults += 1;
      const number = String(this.#faults).padStart(9, '0');
      await this.at.machine.writeFile(`${this.folder}/${tool}.fault.${number}.${fault}`, '');
    }
  }

  /** Process ids of the tools that have gone wrong since the last call; waits for the first one. */
  async taken(): Promise<number[]> {
    const pids = await until('a tool has gone wrong', async () => {
      const { stdout } = await this.at.try('sh', ['-c', 'cd "$0" && ls | sed -n s/^taken[.]//p', this.folder]);
      const found = stdout.split('\n').filter(Boolean).map(Number);
      return found.length > 0 && found;
    });
    await this.at.exec('sh', ['-c', 'cd "$0" && rm -f taken.*', this.folder]);
    return pids;
  }

  /** Takes back what nobody has met. @returns how many faults that were */
  async disarm(): Promise<number> {
    const text = await this.at.exec('sh', [
      '-c',
      'cd "$0" && ls | grep -c fault; rm -f *.fault.* taken.*',
      this.folder,
    ]);
    return Number(text);
  }

  async remove(): Promise<void> {
    await this.at.machine.remove(this.folder);
  }
}
