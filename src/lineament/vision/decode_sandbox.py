"""Leave this process nothing but computing: Linux's landlock and seccomp, by plain system calls.

After both, it reads and writes what it has open, takes and returns memory, starts threads, and ends. It opens
no file, no socket and no other process; whoever takes it over finds nothing to reach for.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Mapping
from types import MappingProxyType

CPU_SECONDS = 8  # a picture; 50 megapixels of any format take one to three

# What a process says of itself: confined by all there is, or what the kernel lacks.
CONFINED, NO_LANDLOCK, NO_SECCOMP = b"R", b"L", b"S"

Calls = Mapping[str, tuple[int, int]]  # numbers on x86_64 and on aarch64

_libc = ctypes.CDLL(None)
_libc.syscall.argtypes = (ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint)
_libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)

# What Python, Pillow and glibc call while they decode: numbers on x86_64 and on aarch64. Those from futex on
# are for threads: libde265 starts one for every HEIF file.
_CALLS: Calls = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "setitimer": (38, 103),
    "clock_gettime": (228, 113),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "exit": (60, 93),
}
_TGKILL, _CLONE, _CLONE3 = (234, 131), (56, 220), (435, 435)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # landlock_*(2), the same on every architecture

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x10000
_NO_CALLS: Calls = MappingProxyType({})


def confine(memory: int, more: Calls = _NO_CALLS, refused: Calls = _NO_CALLS) -> bytes:
    """Limit this process to ``memory`` bytes of address space and its three open files, and forbid the rest.

    For ``more`` and ``refused`` see ``forbid_calls``. Returns CONFINED, NO_LANDLOCK where calls alone are
    forbidden, or NO_SECCOMP: then nothing untrusted may be read.
    """
    no_files = forbid_files()
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(limit, (value, value))
    if not forbid_calls(more, refused):
        return NO_SECCOMP
    return CONFINED if no_files else NO_LANDLOCK


def forbid_files() -> bool:
    """Forbid every path, and every TCP port and abstract socket where the kernel knows how.

    Returns False, and forbids nothing, where it has no landlock (before Linux 5.13, or switched off).
    """
    version = _libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    # One bit a right (linux/landlock.h): a kernel refuses those that it does not know.
    paths = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rights = struct.pack("=Q", paths)
    if version >= 4:
        rights += struct.pack("=Q", 0b11)  # binding and connecting TCP
    if version >= 6:
        rights += struct.pack("=Q", 0b11)  # abstract sockets, signals to others
    _no_new_privileges()
    rules = _libc.syscall(_CREATE_RULESET, rights, len(rights), 0)
    if rules < 0:
        return False
    forbidden = bool(_libc.syscall(_RESTRICT_SELF, rules, 0, 0) == 0)
    os.close(rules)
    return forbidden


def forbid_calls(more: Calls = _NO_CALLS, refused: Calls = _NO_CALLS) -> bool:
    """Forbid every system call that decoding does not need: the kernel kills the process that tries one.

    ``more`` are allowed besides; ``refused`` fail, with no permission, for whoever can do without them.
    Returns False, and forbids nothing, where the kernel or this machine's architecture has no such filter.
    """
    if platform.machine() not in _ARCHITECTURES:
        return False
    column, architecture = _ARCHITECTURES[platform.machine()]
    kill, allow = _step(_RETURN, _KILL), _step(_RETURN, _ALLOW)
    program = [
        *(_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, architecture, 1, 0), kill),
        _step(_LOAD, _NUMBER),
    ]
    for numbers in (*_CALLS.values(), *more.values()):
        program += [_step(_EQUAL, numbers[column], 0, 1), allow]
    for numbers in refused.values():
        program += [_step(_EQUAL, numbers[column], 0, 1), _step(_RETURN, _FAIL | errno.EACCES)]
    # A thread is no process, and abort() may signal this process only.
    for number, test, value in (
        (_CLONE[column], _ANY_BIT, _CLONE_THREAD),
        (_TGKILL[column], _EQUAL, os.getpid()),
    ):
        argument = _step(_LOAD, _FIRST_ARGUMENT)
        program += [_step(_EQUAL, number, 0, 4), argument, _step(test, value, 0, 1), allow, kill]
    # The filter cannot see clone3's flags: said to be unknown, glibc turns to clone.
    program += [_step(_EQUAL, _CLONE3[column], 0, 1), _step(_RETURN, _FAIL | errno.ENOSYS), kill]
    code = ctypes.create_string_buffer(b"".join(program))
    filters = struct.pack("@HP", len(program), ctypes.addressof(code))
    _no_new_privileges()
    return bool(_libc.prctl(_PR_SET_SECCOMP, _FILTER, filters, 0, 0) == 0)


def _no_new_privileges() -> None:
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, None, 0, 0)  # both ask for it of whoever is not root


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
