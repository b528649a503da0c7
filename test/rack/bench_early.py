#!/usr/bin/python3
"""bench_early: power cuts under many young connections, by scheduler and by how
the standby is told: copies of first packets (rr, wlc), the word after them
(rr-early), the kernel alone (rr-off).

    bench_early.py [--runs N] [--json FILE] [--only rr,rr-early,rr-off,wlc,mh]

Each run: a pair, a client that makes connections and keeps them (young ones of
every age), the active's power cut. Reset or hung ones are lost.
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

import bench_noise                                          # noqa: E402
import bench_report                                         # noqa: E402
from pair import Pair                                       # noqa: E402
from rack import Rack, RunError, wait_for                   # noqa: E402
from traffic import Traffic                                 # noqa: E402

CONFIGS = {"rr": ("rr", "true", "true"), "rr-early": ("rr", "true", "false"),
           "rr-off": ("rr", "false", "false"), "wlc": ("wlc", "true", "true"),
           "mh": ("mh", "true", "true")}
YOUNG_RATE = 250


def run(scheduler, early, mirror):
    with Rack(rt=bench_noise.DIRECTORS) as rack:
        pair = Pair(rack, scheduler=scheduler, early=early, mirror=mirror,
                    interval="10ms")
        pair.start()
        active, standby = pair.wait_settled()
        wait_for(lambda: pair.status(active)["sync"]["full"], 10, "full")
        wait_for(lambda: pair.status(active)["sync"]["mirror"] ==
                 (mirror == "true"), 10, "copies")
        with Traffic(rack, rate=250, established=20,
                     young_rate=YOUNG_RATE) as t:
            t.wait_ready()
            time.sleep(1 + random.uniform(0, 0.1))
            sync = pair.status(active)["sync"]
            t.mark()
            rack.power_cut(active)
            wait_for(lambda: rack.fetch() in rack.RS, 15, "service")
            time.sleep(1.5)
        e, y = t.report["established"], t.report.get("young", {})
        return {"total": e["total"], "reset": e["reset"], "hung": e["hung"],
                "young": y, "outage_ms": t.report["outage_ms"],
                "stall_ms": e["max_stall_ms"], "sync": sync}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=10)
    p.add_argument("--only", default=",".join(CONFIGS))
    p.add_argument("--json", default="build/bench-early.json")
    args = p.parse_args()
    doc = {"what": "power cuts under young connections",
           "date": datetime.datetime.now().astimezone().isoformat(
               "T", "seconds"), **bench_report.where(), "configs": {}}
    for i in range(args.runs):
        for name in args.only.split(","):
            rows = doc["configs"].setdefault(name, [])
            try:
                r = run(*CONFIGS[name])
            except (RunError, OSError, RuntimeError, TimeoutError) as e:
                print(f"  {name}: {type(e).__name__}: {e}"[:300], flush=True)
                continue
            rows.append(r)
            s = r["sync"]
            print(f"{i + 1:2} {name:8} {r['reset']} reset {r['hung']} hung of "
                  f"{r['total']}, outage {r['outage_ms']} ms, stall "
                  f"{r['stall_ms']} ms; early {s['early_sent']} sent "
                  f"{s['early_lost']} lost {s['early_unsure']} unsure",
                  flush=True)
            with open(args.json, "w") as f:
                json.dump(doc, f, indent=1)
    for name, rows in doc["configs"].items():
        lost = sum(r["reset"] + r["hung"] for r in rows)
        print(f"{name:8} {lost} lost of {sum(r['total'] for r in rows)} in "
              f"{len(rows)} power cuts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
