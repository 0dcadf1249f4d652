/**
 * An `ip`, `modprobe` and `nft` that kill who runs them: put first in PATH, they count the commands that change
 * something and SIGKILL their parent at the one that is asked for, before or after doing it.
 */
import type { Namespace } from './netns.js';

/** Commands whose words make them a change; `ip netns …` is how things are tried, in a namespace of its own. */
const SCRIPT = `#!/bin/sh
# KILL_AT, KILL_WHEN and KILL_FOLDER come from the environment.
name=\${0##*/}
for folder in /usr/local/sbin /usr/sbin /sbin /usr/bin /bin; do
  real=$folder/$name
  [ -x "$real" ] && break
done
case " $* " in
  *" netns "* | *" -netns "*) change= ;;
  *" -batch "* | *" add "* | *" set "* | *" change "* | *" delete "* | *" replace "* | *" del "*) change=1 ;;
  *) change= ;;
esac
case $name in
  modprobe) change=1 ;;
  nft) case " $* " in *" -f "* | *" delete "*) change=1 ;; esac ;;
esac
case " $* " in *" --dry-run "* | *" --check "*) change= ;; esac
[ -n "$change" ] || exec "$real" "$@"
count=$(($(cat "$KILL_FOLDER/count") + 1))
echo "$count" >"$KILL_FOLDER/count"
if [ "$count" = "$KILL_AT" ] && [ "$KILL_WHEN" = before ]; then
  echo "$name $*" >>"$KILL_FOLDER/killed"
  kill -KILL "$PPID"
  exit 1
fi
"$real" "$@"
ended=$?
if [ "$count" = "$KILL_AT" ] && [ "$KILL_WHEN" = after ]; then
  echo "$name $*" >>"$KILL_FOLDER/killed"
  kill -KILL "$PPID"
fi
exit "$ended"
`;

const PROGRAMS = ['ip', 'modprobe', 'nft'] as const;

/** Everything else is found where it is on every machine that tests run on. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class Killer {
  private constructor(
    private readonly at: Namespace,
    private readonly folder: string,
  ) {}

  static async create(at: Namespace): Promise<Killer> {
    const folder = await at.machine.scratch('killer-');
    for (const name of PROGRAMS) await at.machine.writeFile(`${folder}/bin/${name}`, SCRIPT, 0o755);
    return new Killer(at, folder);
  }

  /** Sets the count to zero. @returns the environment that the victim is started with */
  async aim(when: 'before' | 'after', change: number): Promise<Record<string, string>> {
    await this.at.machine.writeFile(`${this.folder}/count`, '0\n');
    return {
      PATH: `${this.folder}/bin:${PATH}`,
      KILL_AT: String(change),
      KILL_WHEN: when,
      KILL_FOLDER: this.folder,
    };
  }

  /** The commands at which it has killed, in order. */
  async killed(): Promise<string[]> {
    const text = await this.at.machine.readFile(`${this.folder}/killed`).catch(() => Buffer.from(''));
    return text.toString().split('\n').filter(Boolean);
  }
}
