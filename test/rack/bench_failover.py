#!/usr/bin/python3
"""bench_failover: what clients see of a power cut, yoke beside keepalived.

    bench_failover.py [--runs N] [--json FILE] [--only NAME,...] [--strict]

Each run: a fresh rack, two directors settled, a client's load through the VIP,
the active director's power cut. The configurations take turns, so that the
machine's noise hits all alike. Then, on one more rack, what yoke costs idle.
A run in which the prober was not on time around the cut is made again.
--only takes names of configurations, and `idle`; --strict exits 1 when a goal
is not held.
"""
import argparse
import datetime
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench_idle                                           # noqa: E402
import bench_noise                                          # noqa: E402
import bench_report                                         # noqa: E402
from bench_client import client_view, vip_view              # noqa: E402
from bench_configs import CONFIGS                           # noqa: E402
from rack import Rack, RunError, wait_for                   # noqa: E402
from traffic import Traffic, Watch                          # noqa: E402

BEFORE_S = 1.2          # young connections of every age up to that
TRIES, AGAIN = 4, 30    # of one run; repetitions in all


def load(rack):
    return Traffic(rack, rate=500, established=50, young_rate=50,
                   extra=("--timeseries", f"{rack.dir}/attempts.csv"))


def report_of(t):
    """The prober's report; without one, why it ended."""
    try:
        return t.stop()
    except FileNotFoundError:
        with open(f"{t.dir}/err") as f:
            raise RuntimeError(f"prober: no report, exit code "
                               f"{t.proc.returncode}, {f.read()!r}") from None


def served(rack):
    return rack.fetch(timeout=0.1) in rack.RS


def cut_power(config):
    """One run: what became of the load, as a dict."""
    with Rack(rt=bench_noise.DIRECTORS) as rack:
        bench_noise.raise_servers(rack)
        side = config.start(rack)
        active, standby = side.settle()
        watch = Watch(rack)
        for node in rack.NODES:
            watch.start(node)
        with load(rack) as t:
            bench_noise.raise_prober(rack, t.proc.pid)
            t.wait_ready()
            idle = {n: bench_noise.waited_ms(rack, n) for n in rack.NODES}
            time.sleep(BEFORE_S + random.uniform(0, 0.1))
            busy = {n: bench_noise.waited_ms(rack, n) for n in rack.NODES}
            t.mark()
            cut = rack.power_cut(active)
            watch.killed(active, cut)
            wait_for(lambda: served(rack), 15, "service by the standby")
            again = bench_noise.waited_ms(rack, standby)
            time.sleep(side.AFTER_S)
            held = watch.holders(t1=time.time())
            told = side.after(standby, cut)
            report = report_of(t)
        r = client_view(report, f"{rack.dir}/attempts.csv")
        r |= vip_view(held, active, standby, cut)
        r["waited_ms"] = {"load": {n: busy[n] - idle[n] for n in rack.NODES},
                          "cut": {standby: again - busy[standby]}}
        return {**r, **told, "cut": active,
                "other_racks": bench_noise.other_racks(rack),
                "load_average": bench_noise.load_average()}


class Bench:
    def __init__(self, runs, quiet):
        self.runs, self.again, self.quiet = runs, AGAIN, quiet
        self.start = time.monotonic()

    def attempt(self, config, spoilt):
        """A run that counts, or None; spoilt: why others do not."""
        for i in range(TRIES):
            if i > 0 and self.again <= 0:
                break
            self.again -= i > 0
            self.quiet.wait()
            start = time.monotonic()
            try:
                r = cut_power(config)
                why = bench_noise.spoilt(r)
            except (RunError, OSError, RuntimeError, TimeoutError) as e:
                why = f"{type(e).__name__}: {e}"[:2000]
            if why is None:
                r["took_s"] = round(time.monotonic() - start, 1)
                return r
            spoilt.append(why)
            print(f"  {config.name:11} does not count: {why}", flush=True)
        return None

    def run(self, configs):
        """{name: {"runs": [...], "spoilt": [...], ...}}"""
        out = {c.name: {"title": c.title, "settings": c.settings, "runs": [],
                        "spoilt": []} for c in configs}
        for i in range(self.runs):
            for c in configs:
                r = self.attempt(c, out[c.name]["spoilt"])
                if r is None:
                    continue
                out[c.name]["runs"].append(r)
                took = time.monotonic() - self.start
                print(f"{took:4.0f} s  {i + 1:2}/{self.runs} {c.name:11} "
                      f"{bench_report.run_line(r)}", flush=True)
        return out


def choose(only):
    names = [c.name for c in CONFIGS] + ["idle"]
    want = only.split(",") if only else names
    wrong = [w for w in want if w not in names]
    if wrong:
        sys.exit(f"bench_failover: no {', '.join(wrong)}; there are "
                 f"{', '.join(names)}")
    return [c for c in CONFIGS if c.name in want], "idle" in want


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=10)
    p.add_argument("--json", default="build/bench-failover.json")
    p.add_argument("--only", help="NAME,... (default: all)")
    p.add_argument("--wait", type=int, default=bench_noise.QUIET_S,
                   metavar="S", help="in all, for other racks to go away "
                   "(%(default)s)")
    p.add_argument("--strict", action="store_true",
                   help="exit 1 when a goal is not held")
    args = p.parse_args()
    configs, idle = choose(args.only)
    started = time.monotonic()
    doc = {"what": "power cut of the active director under load",
           "date": datetime.datetime.now().astimezone().isoformat("T",
                                                                  "seconds"),
           "argv": sys.argv[1:], "runs_wanted": args.runs,
           **bench_report.where()}
    print(bench_report.heading(doc), flush=True)
    quiet = bench_noise.Quiet(args.wait)
    doc["configs"] = Bench(args.runs, quiet).run(configs)
    quiet.wait()
    doc["idle"] = bench_idle.measure() if idle else None
    doc["took_s"] = round(time.monotonic() - started)
    bench_report.finish(doc)
    print(bench_report.text(doc))
    os.makedirs(os.path.dirname(args.json) or ".", exist_ok=True)
    with open(args.json, "w") as f:
        json.dump(doc, f, indent=1)
        f.write("\n")
    print(f"written to {args.json}")
    if any(len(c["runs"]) < args.runs for c in doc["configs"].values()):
        return 1
    held = all(g["held"] for g in doc["goals"])
    return 0 if held or not args.strict else 1


if __name__ == "__main__":
    sys.exit(main())
