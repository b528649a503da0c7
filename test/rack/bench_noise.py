"""bench_noise: was it the machine under the rack?

What is measured runs at real-time priorities above other racks' (10). What
noise is left is judged by the host's own accounts, not by how a run came out: how long the
directors' processes were ready to run and had no CPU (the second number of
/proc/PID/schedstat), and how late the prober was.
"""
import os
import time

import net
from uml import group_members

DIRECTORS = 30          # their priority
CUT_MS = 60             # a director without a CPU, from the fault on: at most this
LOAD_MS = 200           # and so much in every second; 100 is usual under load,
                        # in waits of a fraction of a ms behind servers and client
PROBER_MS = 8           # the prober starts a connection every 2 ms
QUIET_S = 120           # in all, waited for other racks to go away


def waited_by_pid(rack, node):
    """{host pid: for how long, ever, it had to wait for a CPU, ms}, of a
    director's processes."""
    out = {}
    for pid in group_members(rack.machines[node].proc.pid):
        try:
            with open(f"/proc/{pid}/schedstat") as f:
                out[pid] = int(f.read().split()[1]) / 1e6
        except OSError:
            pass                        # ended meanwhile
    return out


def waited_ms(rack, node):
    return sum(waited_by_pid(rack, node).values())


def waited_since(before, after):
    """What came on top; a process that was killed meanwhile takes its share
    with it, so it does not count."""
    return sum(ms - before.get(pid, 0) for pid, ms in after.items())


def other_racks(rack=None):
    tags = {n.split("-")[1] for n in net.ns_list()}
    return len(tags - {rack.tag} if rack else tags)


class Quiet:
    """Waits for other racks, which run at the same priority as ours."""

    def __init__(self, seconds=QUIET_S):
        self.left = seconds

    def wait(self):
        start = time.monotonic()
        while self.left > 0 and other_racks():
            time.sleep(0.5)
            self.left -= 0.5
        return time.monotonic() - start


def load_average():
    return os.getloadavg()[0]


def spoilt(r):
    """Why a run does not count; None if it does."""
    if r["other_holders"]:
        return (f"{r['other_holders'][0]} held the VIP before the cut "
                f"(no CPU: {max(r['waited_ms']['load'].values()):.0f} ms)")
    if r["prober_late_ms"] > PROBER_MS:
        return f"the prober was {r['prober_late_ms']:.0f} ms late"
    for what, least in (("cut", CUT_MS), ("load", 0)):
        for node, ms in r["waited_ms"][what].items():
            if ms > least + LOAD_MS * r["window_s"][what]:
                return (f"{node} had no CPU for {ms:.0f} ms "
                        + ("around the cut" if what == "cut"
                           else "under load"))
    return None
