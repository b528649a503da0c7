#!/usr/bin/python3
"""bench_failover: what clients see of every fault, yoke beside keepalived.

    bench_failover.py [--runs N] [--only FAULT,...] [--config NAME,...]
                      [--json FILE] [--strict]

Each run: two directors settled, a client's load through the VIP, the fault. One
rack serves up to five runs of each fault in a row, but a power cut of the active
is made on a fresh one; then the next configuration has its turn, so that the machine's noise hits all alike. Then, on one more
rack, what yoke costs idle. A run in which the machine under the rack did not
keep up is made again. --only takes names of faults, and `idle`; --config makes
them on these configurations; without it the power cut is made on all, the rest
on one of each side. --strict exits 1 when a goal is missed; otherwise only a row
without any run that counts is an error.
"""
import argparse
import contextlib
import datetime
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench_idle                                           # noqa: E402
import bench_noise                                          # noqa: E402
import bench_report                                         # noqa: E402
from bench_configs import CONFIGS                           # noqa: E402
from bench_faults import FAULTS, POWER                      # noqa: E402
from bench_place import Place                               # noqa: E402
from rack import RunError                                   # noqa: E402

TRIES, AGAIN = 4, 40    # of one run; repetitions in all
ROUND = 5               # runs of a fault on one rack
BROKEN = (RunError, OSError, RuntimeError, TimeoutError)


class Turn:
    """One configuration's turn: its place, raised when it is needed, and anew
    after a run that broke."""

    def __init__(self, bench, config):
        self.bench, self.config, self.place = bench, config, None

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.leave()

    def leave(self):
        place, self.place = self.place, None
        if place:
            place.__exit__()

    def attempt(self, fault):
        """(the run, why it does not count); the run is None if it broke."""
        if fault.fresh and self.place and self.place.used:
            self.leave()
        try:
            if not self.place:
                self.bench.quiet.wait()
                self.place = Place(self.config,
                                   self.bench.rate).__enter__()
            r = self.place.run(fault)
            r["noise"] = bench_noise.spoilt(r)
            return r, None if self.bench.noisy else r["noise"]
        except BROKEN as e:
            why = f"{type(e).__name__}: {e}"[:2000] + self.story()
            self.leave()
            return None, why

    def story(self):
        """What the directors say of a run that broke, while they are there."""
        tell = getattr(self.place and self.place.side, "story", None)
        with contextlib.suppress(*BROKEN, ValueError, KeyError):
            return "; " + tell() if tell else ""
        return ""

    def run(self, fault, row):
        """Adds a run that counts to the row, or why there is none."""
        for i in range(TRIES):
            if i > 0 and self.bench.again <= 0:
                break
            self.bench.again -= i > 0
            start = time.monotonic()
            r, why = self.attempt(fault)
            if why is None:
                r["took_s"] = round(time.monotonic() - start, 1)
                row["runs"].append(r)
                return r
            row["spoilt"].append(why)
            self.bench.say(fault, self.config, f"does not count: {why}")
        return None


class Bench:
    def __init__(self, args, quiet):
        self.runs, self.again, self.quiet = args.runs, AGAIN, quiet
        self.noisy, self.rate = args.noisy, args.rate
        self.start = time.monotonic()

    def say(self, fault, config, text):
        took = time.monotonic() - self.start
        print(f"{took:4.0f} s  {fault.name:12} {config.name:11} {text}",
              flush=True)

    def run(self, table):
        """table: {config: [fault]}; {fault: {config: row}} with the runs."""
        out = {}
        for f in FAULTS:
            for c, faults in table.items():
                if f in faults:
                    out.setdefault(f.name, {})[c.name] = {
                        "title": c.title, "settings": c.settings,
                        "runs": [], "spoilt": []}
        for done in range(0, self.runs, ROUND):
            for c, faults in table.items():
                with Turn(self, c) as turn:
                    self.turn(turn, faults, out,
                              range(done, min(done + ROUND, self.runs)))
        return out

    def turn(self, turn, faults, out, numbers):
        for f in faults:
            for i in numbers:
                r = turn.run(f, out[f.name][turn.config.name])
                if r:
                    self.say(f, turn.config, f"{i + 1}/{self.runs} "
                             + bench_report.run_line(r))


def pick(what, text, names):
    want = text.split(",") if text else names
    wrong = [w for w in want if w not in names]
    if wrong:
        sys.exit(f"bench_failover: no {what} {', '.join(wrong)}; there are "
                 f"{', '.join(names)}")
    return want


def choose(only, config):
    """{config: [fault]}, and is what it costs idle to be measured?"""
    want = pick("fault", only, [f.name for f in FAULTS] + ["idle"])
    names = pick("configuration", config, [c.name for c in CONFIGS])
    table = {c: [f for f in FAULTS if f.name in want and f.on(c) and
                 (config or c.every or f.serial or f is POWER)]
             for c in CONFIGS if c.name in names}
    return {c: faults for c, faults in table.items() if faults}, \
        "idle" in want


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=10)
    p.add_argument("--json", default="build/bench-failover.json")
    p.add_argument("--only", metavar="FAULT,...", help="default: all, and idle")
    p.add_argument("--config", metavar="NAME,...", help="on which")
    p.add_argument("--wait", type=int, default=bench_noise.QUIET_S,
                   metavar="S", help="in all, for other racks to go away "
                   "(%(default)s)")
    p.add_argument("--rate", type=int, default=500, metavar="N",
                   help="new connections a second (%(default)s): fewer where "
                   "all runs are noisy")
    p.add_argument("--noisy", action="store_true",
                   help="count runs on a noisy machine too")
    p.add_argument("--strict", action="store_true",
                   help="exit 1 when a goal is missed")
    return p.parse_args()


def measure(args):
    """The whole document."""
    table, idle = choose(args.only, args.config)
    started = time.monotonic()
    doc = {"what": "faults of a pair of directors under load",
           "date": datetime.datetime.now().astimezone().isoformat("T",
                                                                  "seconds"),
           "argv": sys.argv[1:], "runs_wanted": args.runs, "rate": args.rate,
           **bench_report.where()}
    print(bench_report.heading(doc), flush=True)
    quiet = bench_noise.Quiet(args.wait)
    doc["faults"] = Bench(args, quiet).run(table)
    quiet.wait()
    doc["idle"] = bench_idle.measure() if idle else None
    doc["took_s"] = round(time.monotonic() - started)
    bench_report.finish(doc)
    return doc


def main():
    args = arguments()
    doc = measure(args)
    print(bench_report.text(doc))
    os.makedirs(os.path.dirname(args.json) or ".", exist_ok=True)
    with open(args.json, "w") as f:
        json.dump(doc, f, indent=1)
        f.write("\n")
    print(f"written to {args.json}")
    if not all(row["runs"] for rows in doc["faults"].values()
               for row in rows.values()):
        return 1
    held = all(g["held"] for g in doc["goals"])
    return 0 if held or not args.strict else 1


if __name__ == "__main__":
    sys.exit(main())
