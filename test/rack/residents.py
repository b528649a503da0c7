"""residents: what a rack runs stays in memory while the rack is up.

    residents.py        keeps it so until its standard input ends

A director's kernel is a program of the host, and its disk is the host's files: one
page of either that the host has put away is read from the disk while the whole
director stands still. Some hosts reclaim memory ahead of need: on one, directors had
80 KB read for three commands, and 5 million pages had been put away and read again
(workingset_refault_file). A real machine has its kernel in memory.
"""
import contextlib
import ctypes
import glob
import mmap
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "bin")
PROGRAMS = ("linux.uml", "sh", "bash", "ip", "tc", "ipvsadm", "nsenter", "chrt",
            "taskset", "nginx", "corosync", "corosync-cfgtool", "keepalived",
            "pgrep", "cat", "ls", "grep", "modprobe", "socat")
OURS = ("yoke*", "prober", "vipwatch", "connload")
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                       ctypes.c_int, ctypes.c_int, ctypes.c_long)
FAILED = ctypes.c_void_p(-1).value


def programs():
    path = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin",
                            os.environ.get("PATH", os.defpath)))
    found = [shutil.which(p, path=path) for p in PROGRAMS]
    found += [sys.executable, "/usr/bin/python3"]
    for name in OURS:
        found += glob.glob(f"{BIN}/{name}")
    return sorted({os.path.realpath(p) for p in found if p})


def libraries(of):
    """What ldd(1) names, whoever needs it."""
    out = subprocess.run(["ldd", *of], capture_output=True, text=True).stdout
    words = (line.split() for line in out.splitlines())
    named = (w for line in words for w in line if w.startswith("/"))
    return sorted({os.path.realpath(w.rstrip(":")) for w in named})


def keep(path):
    """Maps a file and locks the map (read only: a page that could be written would
    be a copy), for as long as the process lives. Bytes; 0: not allowed."""
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size
        at = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, f.fileno(),
                        0) if size else FAILED
    return size if at != FAILED and _libc.mlock(at, size) == 0 else 0


def keep_all():
    """Returns bytes; 0 where locking is not allowed."""
    total, ours = 0, programs()
    for path in {*ours, *libraries(ours)}:
        with contextlib.suppress(OSError):
            total += keep(path)
    return total


if __name__ == "__main__":
    keep_all()
    sys.stdin.read()
