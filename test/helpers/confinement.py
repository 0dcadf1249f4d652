"""Tries what the units keep from clear-df, and prints what came of each: works, or the name of the error or signal.

    confinement.py NAME    prints NAME and JSON; each try is a process of its own, and one that this machine can stand
"""
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, PTRACE_TRACEME, PER_LINUX32, SYSLOG_SIZE_BUFFER, MS_BIND = 0x40000000, 0, 8, 10, 4096
SYS_BPF, SYS_KEYCTL = (321, 250) if os.uname().machine == 'x86_64' else (280, 219)
KEYCTL_CAPABILITIES = 31


def call(function, *args):
    if function(*args) < 0:
        raise OSError(ctypes.get_errno(), '')


def write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))


def expect(holds, error=errno.ENOENT):
    if not holds:
        raise OSError(error, '')


def has_capability(number):
    bounding = next(line for line in open('/proc/self/status') if line.startswith('CapBnd'))
    expect(int(bounding.split()[1], 16) >> number & 1, errno.EPERM)


def becomes_nobody():
    """A program that belongs to nobody, with the bit that makes it run as its owner."""
    expect(subprocess.run(['/var/confinement/id', '-u'], stdout=subprocess.PIPE).stdout == b'65534\n', errno.EPERM)


def chmod_suid():
    write('/run/suid')
    os.chmod('/run/suid', 0o4755)


def fresh_mode():
    path = f'/run/mode.{os.getpid()}'
    write(path)
    expect(os.stat(path).st_mode & 0o077, errno.EACCES)


def make_group():
    unified = '/sys/fs/cgroup/unified'
    path = os.path.join(unified if os.path.isdir(unified) else '/sys/fs/cgroup', 'confinement')
    os.mkdir(path)
    os.rmdir(path)


def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b'', (address, 9))


def call_as_i386():
    """From a file, since no page may be written and executed: getpid by the old entry."""
    libc.mmap.restype = ctypes.c_void_p
    code = os.open('/var/confinement/i386', os.O_RDONLY)
    page = libc.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, code, ctypes.c_long(0))
    ctypes.CFUNCTYPE(ctypes.c_int)(page)()


def bpf():
    """No command has this number: whoever may ask is told so."""
    libc.syscall(SYS_BPF, 9999, None, 0)
    expect(ctypes.get_errno() == errno.EINVAL, ctypes.get_errno())


TRIES = {
    'CapabilityBoundingSet': lambda: has_capability(21),
    'NoNewPrivileges': becomes_nobody,
    'ProtectSystem': lambda: write('/usr/confinement'),
    'ReadWritePaths': lambda: write('/run/confinement'),
    'PrivateTmp': lambda: os.stat('/tmp/outside'),
    'PrivateDevices': lambda: os.stat('/dev/outside'),
    'PrivateMounts': lambda: expect(os.readlink('/proc/self/ns/mnt') == open('/var/confinement/mnt').read().strip()),
    # Not by setting the clock: it is the whole machine's.
    'ProtectClock': lambda: has_capability(25),
    'ProtectControlGroups': make_group,
    'ProtectHome': lambda: write('/root/confinement'),
    'ProtectHostname': lambda: socket.sethostname(socket.gethostname()),
    'ProtectKernelLogs': lambda: call(libc.klogctl, SYSLOG_SIZE_BUFFER, None, 0) or has_capability(34),
    'ProtectKernelModules': lambda: has_capability(16),
    'ProtectKernelTunables': lambda: write('/proc/sys/net/ipv4/ip_forward'),
    'ProtectProc': lambda: os.stat('/proc/1'),
    'RestrictAddressFamilies': lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    'RestrictNamespaces': lambda: call(libc.unshare, CLONE_NEWNET),
    'RestrictRealtime': lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    'RestrictSUIDSGID': chmod_suid,
    'LockPersonality': lambda: call(libc.personality, PER_LINUX32),
    'MemoryDenyWriteExecute': lambda: mmap.mmap(
        -1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ).close(),
    'SystemCallFilter=@system-service': lambda: call(libc.ptrace, PTRACE_TRACEME, 0, 0, 0),
    'SystemCallFilter=~@privileged': lambda: os.chroot('/'),
    'SystemCallFilter=~@aio': lambda: call(libc.syscall, SYS_KEYCTL, KEYCTL_CAPABILITIES, None, 0),
    'SystemCallFilter=bpf': bpf,
    'SystemCallArchitectures': call_as_i386,
    'LimitCORE': lambda: expect(resource.getrlimit(resource.RLIMIT_CORE)[1] != 0, errno.EPERM),
    'UMask': fresh_mode,
    'IPAddressDeny': lambda: send('192.168.200.2'),
    'IPAddressAllow': lambda: send('127.0.0.1'),
}


def outcome(attempt):
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    code = os.WEXITSTATUS(status)
    return errno.errorcode[code] if code else 'works'


print(sys.argv[1], json.dumps({name: outcome(attempt) for name, attempt in TRIES.items()}))
