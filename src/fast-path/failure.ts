/** What the kernel's refusals mean, and what to do about them. */
import { ClearDfError, type ErrorCode } from '../errors.js';
import { errnoName } from '../native/errno.js';
import type { NativeFastError } from '../native/fast-path.js';

interface Meaning {
  code: ErrorCode;
  reason: string;
  hint: string;
}

const RIGHTS: Meaning = {
  code: 'PRIVILEGE',
  reason: 'the kernel asks for CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or for CAP_SYS_ADMIN and CAP_NET_ADMIN',
  hint: 'run it as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_BPF CAP_PERFMON',
};

const NO_BPF: Meaning = {
  code: 'ENVIRONMENT',
  reason: 'this kernel has no bpf(2)',
  hint: 'the queue does it all: --fast-path off',
};

const SHORT: Meaning = { code: 'RUNTIME', reason: 'there is no memory, or no file descriptor free', hint: 'try again' };
const SHORTAGES = { ENOMEM: SHORT, EMFILE: SHORT, ENFILE: SHORT, EAGAIN: SHORT };

const TAKEN: Record<string, Meaning> = {
  EEXIST: {
    code: 'CONFLICT',
    reason: "another program's filter has preference 52720, where clear-df attaches its own",
    hint: 'tc filter show dev DEVICE ingress, or egress, shows it',
  },
  EADDRINUSE: {
    code: 'CONFLICT',
    reason: "another program's ingress qdisc is where clsact has to be",
    hint: 'tc qdisc show shows it; clsact can do all that ingress can',
  },
};

/** By the call that failed and its errno; `*` is every other. */
const MEANINGS: Record<string, Record<string, Meaning>> = {
  BPF_MAP_CREATE: { EPERM: RIGHTS, ENOSYS: NO_BPF, ...SHORTAGES },
  BPF_PROG_LOAD: {
    EPERM: RIGHTS,
    ENOSYS: NO_BPF,
    ...SHORTAGES,
    '*': {
      code: 'ENVIRONMENT',
      reason: 'this kernel does not take the program',
      hint: 'the queue does it all: --fast-path off',
    },
  },
  SIOCGIFINDEX: {
    ENODEV: { code: 'ENVIRONMENT', reason: 'there is no such device here', hint: 'ip link show' },
  },
  RTM_GETTFILTER: TAKEN,
  RTM_NEWTFILTER: {
    EPERM: { code: 'PRIVILEGE', reason: 'the kernel asks for CAP_NET_ADMIN', hint: 'run it as root' },
    ...TAKEN,
    ENOENT: {
      code: 'ENVIRONMENT',
      reason: 'this kernel has no clsact qdisc, or no bpf classifier',
      hint: 'modprobe -a sch_ingress cls_bpf',
    },
    ENODEV: { code: 'ENVIRONMENT', reason: 'the device is gone', hint: 'ip link show' },
  },
};

/** The error as a person reads it; what is no failed call of the addon stays as it is. */
export function explain(error: unknown, object: string): unknown {
  if (!isNative(error)) return error;
  const { operation, detail } = error;
  const errno = errnoName(error.errno);
  const meanings = MEANINGS[operation] ?? {};
  const meaning = meanings[errno] ?? meanings['*'];
  const verifier = detail === '' ? '' : `: ${detail.trim().replaceAll('\n', '; ')}`;
  return new ClearDfError({
    code: meaning?.code ?? 'RUNTIME',
    operation: 'attach the fast path to',
    object,
    reason: `${meaning?.reason ?? `the kernel refused ${operation}`}${verifier}`,
    errno,
    hint: meaning?.hint,
    cause: error,
  });
}

/** A call of the addon. @throws as {@link explain} words it */
export function explained<T>(object: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw explain(error, object);
  }
}

/** Whether what is attached cannot be opened, while all the rest may well work. */
export function isNotAdoptable(error: unknown): boolean {
  return isNative(error) && error.operation === 'BPF_PROG_GET_FD_BY_ID';
}

function isNative(error: unknown): error is NativeFastError {
  return error instanceof Error && 'operation' in error && 'detail' in error;
}
