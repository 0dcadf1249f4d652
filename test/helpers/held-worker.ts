/**
 * A worker of a run that gets no processor until it is let go, while all others go on: what comes to its queue waits
 * there, for whatever the run does meanwhile. (SIGSTOP stops them all, and behind SIGCONT the worker may be first.)
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Daemon } from './clear-df.js';
import type { Running } from './running.js';
import { until } from './until.js';

/** Stops a thread, as a debugger does, and lets go of it by its own end: ptrace(2). */
const HOLD = `
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread = int(sys.argv[1])
# PTRACE_SEIZE, PTRACE_INTERRUPT
for request in (0x4206, 0x4207):
    if libc.ptrace(request, thread, None, None) < 0: sys.exit(os.strerror(ctypes.get_errno()))
# __WALL
os.waitpid(thread, 0x40000000)
print('held', flush=True)
signal.pause()
`;

export class HeldWorker {
  private constructor(
    private readonly pid: number,
    private readonly holding: Running,
  ) {}

  /** Of a queue of a run on this machine. */
  static async of(daemon: Daemon, queue: number): Promise<HeldWorker> {
    const thread = HeldWorker.threadOf(daemon, queue);
    if (thread === undefined) throw new Error(`there is no thread of queue ${queue}`);
    const holding = daemon.at.spawn('python3', ['-c', HOLD, thread]);
    await holding.says(/held/);
    return new HeldWorker(daemon.running.pid, holding);
  }

  /** The thread of a queue; undefined once it has ended. */
  static threadOf({ running: { pid } }: Daemon, queue: number): string | undefined {
    return readdirSync(`/proc/${pid}/task`).find(
      (task) => nameOf(`/proc/${pid}/task/${task}`) === `clear-df/q${queue}`,
    );
  }

  /** Waits until the run has told it to end: what wakes it up is not taken. */
  async toldToEnd(): Promise<void> {
    let before: string[] = [];
    await until('the worker is told to end', () => {
      const raised = readdirSync(`/proc/${this.pid}/fd`).filter((fd) => this.#isRaised(fd));
      const stands = raised.some((fd) => before.includes(fd));
      before = raised;
      return stands;
    });
  }

  /** Whether it is an eventfd(2) that nobody has read since it was written. */
  #isRaised(fd: string): boolean {
    try {
      return /^eventfd-count: +[1-9a-f]/m.test(readFileSync(`/proc/${this.pid}/fdinfo/${fd}`, 'utf8'));
    } catch {
      // It was closed since the folder was read.
      return false;
    }
  }

  async letGo(): Promise<void> {
    await this.holding.stop('SIGKILL');
  }
}

function nameOf(task: string): string {
  try {
    return readFileSync(`${task}/comm`, 'utf8').trim();
  } catch {
    // It has ended since the folder was read.
    return '';
  }
}
