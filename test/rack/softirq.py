"""softirq: the host's receive threads run before the racks' directors.

Directors are real-time processes. The thread that passes their packets on when
there are many is not: behind them it came to run only when the kernel stopped all
real-time work, and from 1000 packets on the rest was dropped (the second column
of /proc/net/softnet_stat). So while a rack is up these threads have a priority
above it; without any rack they have none, as before.
"""
import contextlib
import os

PRIORITY = 45           # above everything of a rack


def threads():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as f:
                head, _, tail = f.read().rpartition(")")
            if "(ksoftirqd/" in head and tail.split()[1] == "2":
                yield int(pid)


def set_policy(policy, priority):
    for pid in threads():
        with contextlib.suppress(OSError):      # not allowed in a container
            os.sched_setscheduler(pid, policy, os.sched_param(priority))


def first():
    set_policy(os.SCHED_FIFO, PRIORITY)


def as_before():
    set_policy(os.SCHED_OTHER, 0)
