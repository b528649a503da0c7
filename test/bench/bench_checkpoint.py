#!/usr/bin/python3
"""bench_checkpoint: what checkpoint and rollback cost with 10 000 servers, beside
what this machine's fsync costs: real SQLite, real files, yoked and checkpointd
as shipped with clocks in them. No virtual machine. Without root only the store
by itself.

usage: bench_checkpoint.py [--dir DIR] [--seconds N] [--stall N] [--json FILE]"""
import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../rack"]
from bench_report import heading, where                     # noqa: E402
from metronome import Metronome                             # noqa: E402
from directors import BIN, Directors, take_turns, wait_for  # noqa: E402

RATE = 5000
SLICE = 0.02
BEAT_MS = 10

# name, what it is, unit, goal (None: no goal), how it is shown
ROWS = (
    ("fsync_us_p50", "this machine's fsync of one page, median", "us", None),
    ("fsync_us_p99", "  p99", "us", None),
    ("change_us_p50", "one change in yoked: decided to told, median", "us", None),
    ("change_us_p99", "  p99", "us", 1000),
    ("hand_us_p50", "  of it the hand-over to checkpointd, median", "us", None),
    ("hand_us_p99", "  p99", "us", 1000),
    ("commit_us_10000_p50", "its commit (write, fsync), median", "us", None),
    ("commit_us_10000_p99", "  p99", "us", None),
    ("bytes_alone_10", "bytes a change alone writes, 10 servers", "B", None),
    ("bytes_alone_1000", "  1 000 servers", "B", None),
    ("bytes_alone_10000", "  10 000 servers", "B", None),
    ("bytes_ratio", "  10 000 servers : 10 servers", "", 1.1),
    ("bytes_grouped_10000", "  the same, 100 changes to a commit", "B", None),
    ("snapshot_ms", "snapshot of 10 000 servers, median", "ms", 50),
    ("snapshot_max_ms", "  slowest", "ms", None),
    ("rollback_ms", "rollback with 10 000 changes, median", "ms", 300),
    ("rollback_max_ms", "  slowest", "ms", None),
    ("rate", "changes each second, sustained", "/s", None),
    ("behind", "  not on storage 1 s after the last", "", 0),
    ("busy_us_p99", "  one change in yoked meanwhile, p99", "us", 1000),
    ("yoked_mb_before", "  yoked resident: before", "MB", None),
    ("yoked_mb_after", "  after", "MB", 64),
    ("checkpointd_mb_before", "  checkpointd resident: before", "MB", None),
    ("checkpointd_mb_after", "  after", "MB", 64),
    ("grown_mb", "  both: least in the 2nd half - in the 1st", "MB", 1.0),
    ("stall_s", "storage stalls, seconds, changes going on", "s", None),
    ("stall_hand_us_p99", "  hand-over meanwhile, p99", "us", 1000),
    ("stall_late", "  beats late by more than Tb (10 ms)", "", 0),
    ("stall_gap_ms", "  longest time between two beats", "ms", None),
    ("stall_machine_ms", "  the machine itself stood still, at most", "ms", None),
    ("stall_late_raw", "  late beats, the machine's pauses not excused", "", None),
    ("calm_late", "as long without a stall: late beats", "", None),
    ("calm_gap_ms", "  longest time between two beats", "ms", None),
    ("calm_late_raw", "  late beats, pauses not excused", "", None),
    ("stall_told", "yoked said that storage lags (all stored afterwards)", "", None),
)


def percentile(v, p):
    v = sorted(v)
    return v[min(len(v) - 1, len(v) * p // 100)] if v else 0


def store_alone(scratch):
    os.makedirs(f"{scratch}/store")
    r = subprocess.run([f"{BIN}/bench_store", f"{scratch}/store", "20"],
                       text=True, stdout=subprocess.PIPE, check=True)
    out = {k: float(v) for k, v in
           (line.split() for line in r.stdout.splitlines())}
    out["bytes_ratio"] = out["bytes_alone_10000"] / out["bytes_alone_10"]
    for name in ("snapshot", "rollback"):
        out[f"{name}_ms"] = out.pop(f"{name}_us_p50") / 1000
        out[f"{name}_max_ms"] = out.pop(f"{name}_us_max") / 1000
    return out


class Changes:
    """Weights by way of `yoke batch`, rate a second."""

    def __init__(self, d, node):
        self.n, self.servers = 0, d.n * 10
        self.p = subprocess.Popen(
            d.inside(node, f"{BIN}/yoke", "-i", "bench", "batch"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    def send(self, n):
        out = []
        for self.n in range(self.n + 1, self.n + n + 1):
            k = self.n * 7919 % self.servers
            out.append(f"server weight svc{k // 10} s{k % 10} "
                       f"{self.n % 100}\n")
        self.p.stdin.write("".join(out))
        self.p.stdin.flush()

    def pace(self, rate, seconds):
        began = time.monotonic()
        sent = 0
        while True:
            now = time.monotonic() - began
            if now >= seconds:
                break
            due = int(now * rate) - sent
            if due > 0:
                self.send(due)
                sent += due
            time.sleep(SLICE)
        return sent, time.monotonic() - began

    def end(self):
        self.p.stdin.close()
        return self.p.wait(60)


def memory(d, node):
    return (d.rss_mb(node, "bench_yoked"), d.rss_mb(node, "bench_checkpointd"))


def lag(d, node):
    return d.status(node)["checkpoint"]["lag_changes"]


def one_by_one(d, node, out):
    p, c = d.probes[node], Changes(d, node)
    a, b = p.count("change"), p.count("hand")
    c.pace(200, 10)
    c.end()
    v, w = p.since("change", a), p.since("hand", b)
    out["changes"] = len(v)
    for name, s in (("change", v), ("hand", w)):
        out[f"{name}_us_p50"] = percentile(s, 50) / 1000
        out[f"{name}_us_p99"] = percentile(s, 99) / 1000


def sustained(d, node, seconds, out):
    p, c = d.probes[node], Changes(d, node)
    out["yoked_mb_before"], out["checkpointd_mb_before"] = memory(d, node)
    a = p.count("change")
    began = time.monotonic()
    sizes = []
    for _ in range(8):
        c.pace(RATE, seconds / 8)
        sizes.append(sum(memory(d, node)))
    if c.end() != 0:
        raise SystemExit("yoke batch failed")
    took = time.monotonic() - began
    n = p.count("change") - a
    out["rate"] = n / took
    v = p.since("change", a)
    out["busy_us_p99"] = percentile(v, 99) / 1000
    time.sleep(1)
    out["behind"] = lag(d, node)
    out["yoked_mb_after"], out["checkpointd_mb_after"] = memory(d, node)
    # what waits for a slow fsync comes and goes: that is no growth
    out["grown_mb"] = max(0, min(sizes[4:]) - min(sizes[1:4]))


def late(p, first, m):
    """Beats more than Tb late, without the time that the machine stood still;
    how many it were with it, and the longest time between two, both in ms."""
    own, all_of_them, longest = 0, 0, 0.0
    limit = 2 * BEAT_MS / 1000
    base = int(time.monotonic() * 1e6) >> 32 << 32
    for us, at in zip(p.since("gap", first), p.since("at", first)):
        gap, end = us / 1e6, (base + at) / 1e6
        all_of_them += gap > limit
        mine = gap - m.paused(end - gap, end)
        own += mine > limit
        longest = max(longest, mine)
    return own, all_of_them, longest * 1000


def beats_during(d, node, seconds, stall, out):
    p, c = d.probes[node], Changes(d, node)
    gaps, hands = p.count("gap"), p.count("hand")
    name = "stall" if stall else "calm"
    with Metronome() as m:
        if stall:
            d.stall(node, True)
        c.pace(500, seconds)
        h = p.since("hand", hands)
    own, raw, longest = late(p, gaps, m)
    out[f"{name}_late"], out[f"{name}_late_raw"] = own, raw
    out[f"{name}_gap_ms"] = longest
    out[f"{name}_machine_ms"] = m.worst() * 1000
    if stall:
        s = d.status(node)["checkpoint"]
        out["stall_told"] = int(not s["ok"] or s["lag_changes"] > 0)
        d.stall(node, False)
        wait_for(lambda: lag(d, node) == 0, 20, "storage in step again")
        out["stall_s"] = seconds
        out["stall_hand_us_p99"] = percentile(h, 99) / 1000
    c.end()


def with_yoked(scratch, a, out):
    with Directors(f"{scratch}/pair", nodes=("d1",)) as d:
        node = d.wait_settled()
        one_by_one(d, node, out)
        sustained(d, node, a.seconds, out)
        beats_during(d, node, a.stall, False, out)
        beats_during(d, node, a.stall, True, out)


# -- for people ----------------------------------------------------------

def line(out, name, text, unit, goal):
    if name not in out:
        return None
    v = out[name]
    shown = f"{v:.0f}" if v == int(v) or v >= 100 else f"{v:.2f}"
    row = f"{text:<50} {shown:>9} {unit:<3}"
    if goal is not None:
        row += f"{'held' if v <= goal else 'NOT HELD':>9}" + f" <= {goal:g}"
    return row.rstrip()


def report(doc):
    print(f"\nyoke checkpoint and rollback, {doc['servers']} servers")
    print(heading(doc))
    print(f"files in {doc['directory']} ({doc['filesystem']})\n")
    for row in ROWS:
        text = line(doc["measured"], *row)
        if text:
            print(text)
    if not doc["root"]:
        print("\nwithout root: the store by itself only")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dir", default="build")
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--stall", type=int, default=5)
    p.add_argument("--json", default="build/bench-checkpoint.json")
    a = p.parse_args()
    scratch = tempfile.mkdtemp(prefix="bench-checkpoint-",
                               dir=os.path.abspath(a.dir))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    doc = {"date": time.strftime("%Y-%m-%d"), **where(), "servers": 10000,
           "directory": a.dir, "root": os.geteuid() == 0,
           "filesystem": subprocess.run(
               ["stat", "-f", "-c", "%T", scratch], text=True,
               stdout=subprocess.PIPE).stdout.strip()}
    turn = take_turns()
    out = doc["measured"] = store_alone(scratch)
    if doc["root"]:
        with_yoked(scratch, a, out)
    if turn:
        turn.close()
    doc["goals"] = {r[0]: out[r[0]] <= r[3] for r in ROWS
                    if r[3] is not None and r[0] in out}
    report(doc)
    with open(a.json, "w") as f:
        json.dump(doc, f, indent=1)


main()
