"""hostkernel: the host's own threads run before the racks' directors.

    hostkernel.py       keeps them so until its standard input ends

Directors are real-time processes; what the host's kernel does for them in its
threads is not, and waited behind them:
- ksoftirqd passes their packets on when there are many. It came to run only when
  the kernel stopped all real-time work, and from 1000 packets on the rest was
  dropped (the second column of /proc/net/softnet_stat).
- rcu_preempt ends what many calls wait for (synchronize_rcu). It was without a
  processor for 2.2 s of 10.
- a kworker passes on what comes in on a terminal, and poll and read of one wait
  for it (n_tty: flush_work). A director reads its serial line so: it stood still
  for up to 0.7 s on a busy host, all of it.
So while a rack is up these threads have a priority above it; without any rack
they have none, as before. Workers come and go: somebody must stay and look.

And where sched_rt_runtime_us is 950000 (and the kernel has RT_GROUP_SCHED), all that
is real-time on a processor stands still for the last 50 ms of a second in which it
took the rest. A rack under load does: a director stood still for 40 to 48 ms, always
at the same fraction of a second, and with 10 ms beats lost its role. So there is no
such limit while a rack is up.

What a rack runs stays in memory meanwhile, too: residents.py.
"""
import contextlib
import os
import select

PRIORITY = 45           # above everything of a rack
NAMES = ("(ksoftirqd/", "(kworker/u", "(rcu_")     # u: of no certain CPU
RT_LIMIT = "/proc/sys/kernel/sched_rt_runtime_us"
LOOK_S = 0.1


def is_one(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat") as f:
            head, _, tail = f.read().rpartition(")")
        return any(n in head for n in NAMES) and tail.split()[1] == "2"
    return False


def processes():
    return {int(p) for p in os.listdir("/proc") if p.isdigit()}


def threads():
    return [p for p in processes() if is_one(p)]


def set_policy(pids, policy, priority):
    for pid in pids:
        with contextlib.suppress(OSError):      # not allowed in a container
            os.sched_setscheduler(pid, policy, os.sched_param(priority))


def first(pids):
    set_policy(pids, os.SCHED_FIFO, PRIORITY)


def limit(to=None):
    """The machine's limit of real-time work, us in a second; to: sets it."""
    with contextlib.suppress(OSError):
        with open(RT_LIMIT, "r+" if to else "r") as f:
            return f.write(to) if to else f.read().strip()
    return None


def no_limit(kept):
    """kept: a file that remembers what was there, for as_before()."""
    was = limit()
    if was and was != "-1" and limit("-1"):
        with open(kept, "w") as f:
            f.write(was)


def as_before(kept):
    set_policy(threads(), os.SCHED_OTHER, 0)
    with contextlib.suppress(OSError):
        with open(kept) as f:
            limit(f.read())
        os.unlink(kept)


def main():
    seen = set()
    while not select.select([0], [], [], LOOK_S)[0]:
        now = processes()
        first([p for p in now - seen if is_one(p)])
        seen = now


if __name__ == "__main__":
    main()
