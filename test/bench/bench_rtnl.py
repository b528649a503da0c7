#!/usr/bin/python3
"""bench_rtnl: does a director's beat wait for others' changes of the network?
Two yokeds with 10 ms beats on this machine's kernel; beside them 150 pairs of
interfaces are made and deleted without a pause, which keeps the kernel's rtnl
lock busy. Quiet and busy turns take turns, so that the machine's own pauses show.

usage: bench_rtnl.py [--turns N] [--seconds S] [--json FILE]"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../rack"]
from bench_report import heading, where                     # noqa: E402
from directors import Directors, NODES, take_turns          # noqa: E402

BEAT_MS = 10
PRIORITY = 20       # as yoked.service has it: the churn goes behind
CHURN = """i=0; while [ $i -lt 100000 ]; do i=$((i + 1))
for n in $(seq 150); do echo "link add v$n type veth peer name w$n"; done |
ip -batch -
for n in $(seq 150); do echo "link del v$n"; done | ip -batch -
done"""


def active(d):
    return [n for n in NODES if d.status(n)["role"] == "active"][0]


def turn(d, seconds, busy):
    """In a network namespace of its own, whose end removes what it made."""
    node = active(d)
    probes, epoch = d.probes[node], d.status(node)["epoch"]
    before = probes.count("gap")
    churn = subprocess.Popen(["timeout", str(seconds), "chrt", "-o", "0",
                              "unshare", "-n", "sh", "-c", CHURN]) if busy \
        else None
    time.sleep(seconds)
    gaps = [g / 1000 for g in probes.since("gap", before)]
    if churn:
        churn.wait()
    return {"busy": busy, "beats": len(gaps),
            "median_ms": statistics.median(gaps), "max_ms": max(gaps),
            "late": sum(g > BEAT_MS * 1.5 for g in gaps),
            "terms": d.status(active(d))["epoch"] - epoch}


def table(rows):
    out = [f"{'rtnl':6}{'beats':>7}{'gap, ms: median':>17}{'max':>8}"
           f"{'late':>6}{'changes of role':>17}"]
    for r in rows:
        out.append(f"{'busy' if r['busy'] else 'quiet':6}{r['beats']:7}"
                   f"{r['median_ms']:17.1f}{r['max_ms']:8.1f}{r['late']:6}"
                   f"{r['terms']:17}")
    return "\n".join(out)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--seconds", type=int, default=6)
    p.add_argument("--json", default="build/bench-rtnl.json")
    args = p.parse_args()
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    doc = {"what": "beats beside others' changes of the network", **where(),
           "date": time.strftime("%FT%T%z")}
    print(heading(doc), flush=True)
    with tempfile.TemporaryDirectory(prefix="yoke-rtnl-") as scratch:
        held = take_turns()
        with Directors(scratch, n=1, beat=f"{BEAT_MS}ms") as d:
            d.wait_settled()
            doc["turns"] = [turn(d, args.seconds, busy)
                            for _ in range(args.turns)
                            for busy in (False, True)]
        if held:
            held.close()
    print(table(doc["turns"]))
    with open(args.json, "w") as f:
        json.dump(doc, f, indent=1)
    print(f"written to {args.json}")


if __name__ == "__main__":
    main()
