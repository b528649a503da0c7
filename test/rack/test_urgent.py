#!/usr/bin/python3
"""Beside a program of real-time priority that never waits, the kernel halts all
real-time work for a part of each second. The active is not halted."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

CALM = dict(interval="20ms", misses=100)    # only the sleeps are looked at
SECONDS = 5         # of a hog; the kernel halts once in each
HOG = f"""
import time
end = time.monotonic() + {SECONDS}
while time.monotonic() < end:
    pass
"""
# As urgent as yoked without a deadline: how often it was late by two beats.
WITNESS = f"""
import time
late, end = 0, time.monotonic() + {SECONDS}
while time.monotonic() < end:
    due = time.monotonic() + .01
    time.sleep(.01)
    late += time.monotonic() - due > .04
print(late)
"""
t = T()


def policy(pair, node):
    """Of yoked's first thread."""
    pid = pair.status(node)["pid"]
    out = pair.rack.run(node, f"chrt -p {pid}")
    return out.split("policy: ")[1].split("|")[0].split()[0]


def beside_hog(pair, node):
    """How often yoked and the witness were late by more than two beats. Nobody
    may change yoked's own policy to compare: where it sleeps under a deadline,
    Linux then keeps what it had reserved for ever (6.1 and 6.18)."""
    was = pair.status(node)["beats"]["sleeps"]
    out = pair.rack.run(
        node, f"cat >/tmp/hog <<'E'\n{HOG}E\ncat >/tmp/witness <<'E'\n"
        f"{WITNESS}E\nchrt -f 20 python3 -SE /tmp/hog & "
        "chrt -r 50 python3 -SE /tmp/witness; wait")
    return pair.status(node)["beats"]["sleeps"] - was, int(out)


def rounds(pair, node):
    """What it was, up to three times until that is clear."""
    seen = []
    while len(seen) < 3 and (not seen or seen[-1][0] * 2 >= seen[-1][1]):
        seen.append(beside_hog(pair, node))
    return seen


def main():
    with Rack() as rack, t.part("urgent"):
        pair = Pair(rack, **CALM)
        t.dump = pair.dump
        pair.start()
        a, b = pair.wait_settled()
        t.is_((policy(pair, a), policy(pair, b)),
              ("SCHED_DEADLINE", "SCHED_RR"),
              "the active is under a deadline, the standby real-time")
        seen = rounds(pair, a)
        t.ok(seen[-1][0] * 2 < seen[-1][1],
             "beside a real-time hog the active sleeps less than a witness "
             "that has a priority", seen)
        t.note(f"late by over 40 ms in {SECONDS} s (yoked, witness): {seen}")
        t.is_(pair.wait_settled(), (a, b), "it moved nothing")
        wait_for(lambda: pair.yoke(a, "switch", check=False).returncode == 0,
                 10, "corosync's group, which the hog kept from its work")
        wait_for(lambda: pair.role(b) == "active" and
                 pair.role(a) == "standby", 10, "the switch")
        t.is_((policy(pair, a), policy(pair, b)),
              ("SCHED_RR", "SCHED_DEADLINE"), "and so after a switch")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
