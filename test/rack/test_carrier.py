#!/usr/bin/python3
"""A crossover cable: its loss of carrier is a hint that the peer lost its power.
User Mode Linux's cards have no carrier to lose, so these are two yokeds on this
machine's own kernel, with a pair of veth cards as the cable."""
import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../bench"]

from directors import Directors, NODES, wait_for            # noqa: E402
from tap import T                                           # noqa: E402

TB_MS = 100
# The kernel tells of carriers once a second at most (net/core/link_watch.c); the
# cable was moved just before, and a real one is not.
LINKWATCH_S = 1.5
TRIES = 4       # the carrier may be told too late on a machine with much to do


def other(node):
    return [n for n in NODES if n != node][0]


def path_up(d, node, name):
    s = d.status(node)
    return s and [p["up"] for p in s["paths"] if p["name"] == name][0]


def pair(d):
    """(active, standby), when both hear each other on both paths."""
    for node in NODES:
        s = d.status(node)
        if not s or s["role"] != "active":
            continue
        peer = d.status(other(node))
        if peer and peer["role"] == "standby" and all(
                path_up(d, n, p) for n in NODES for p in "ab"):
            return node, other(node)
    return None


def plug(d, node, up):
    d.run(node, "ip", "link", "set", "eth1", "up" if up else "down")


def power_cut(d, active, standby, carrier):
    """How long the standby says that it heard nothing, in ms."""
    time.sleep(LINKWATCH_S)
    os.kill(d.pids[active, "bench_yoked"], signal.SIGKILL)
    if carrier:         # after it: a beat that is heard later voids the hint
        plug(d, active, False)
    wait_for(lambda: d.status(standby)["role"] == "active", 30,
             "the standby to take over")
    t = d.status(standby)["transitions"]
    taken = [x for x in t if x["to"] == "taking-over"]
    return max(taken, key=lambda x: x["at_us"])["silence_us"] / 1000


def test(t, d):
    active, standby = wait_for(lambda: pair(d), 30, "a pair")
    before = len(d.status(standby)["transitions"])
    plug(d, active, False)
    wait_for(lambda: not path_up(d, standby, "b"), 10, "path b down")
    t.is_((d.status(active)["role"], d.status(standby)["role"],
           len(d.status(standby)["transitions"])),
          ("active", "standby", before), "a cable alone moves nothing")
    plug(d, active, True)
    with_it = []
    while len(with_it) < TRIES and min(with_it, default=1e9) >= 3 * TB_MS:
        active, standby = wait_for(lambda: pair(d), 30, "a pair again")
        with_it.append(power_cut(d, active, standby, True))
        plug(d, active, True)
        d.start_daemon(active, "bench_yoked")
    active, standby = wait_for(lambda: pair(d), 30, "a pair again")
    without = power_cut(d, active, standby, False)
    t.ok(1.5 * TB_MS <= min(with_it), "one beat must be missing all the same",
         with_it)
    t.ok(min(with_it) < 3 * TB_MS, "the carrier goes: noticed earlier",
         with_it)
    t.ok(without >= 3 * TB_MS, "only silence: after three", without)
    t.note(f"silence at beats of {TB_MS} ms: {min(with_it):.1f} ms with the hint, "
           f"{without:.1f} without")


def main():
    t = T()
    with tempfile.TemporaryDirectory(prefix="yoke-carrier-") as scratch, \
            Directors(scratch, n=1, beat=f"{TB_MS}ms", cross=True) as d:
        test(t, d)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
